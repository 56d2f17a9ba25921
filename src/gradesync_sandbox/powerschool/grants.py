"""Describe the installed plugin: its credentials, and the columns that its administrator granted it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree

Access = Literal["ViewOnly", "FullAccess"]
V1Access = Literal["NONE", "READ", "FULL"]

GRADEBOOK_TABLES = (
    "assignment",
    "assignmentsection",
    "assignmentcategoryassoc",
    "assignmentscore",
    "assignmentscorecomment",
)
EVERY_COLUMN = "*"

_VIEWED = {
    "teachercategory": (EVERY_COLUMN,),
    "districtteachercategory": (EVERY_COLUMN,),
    "schools": ("dcid", "id", "name", "school_number"),
    "users": ("dcid", "email_addr"),
    "sections": ("dcid", "id", "termid", "schoolid", "teacher"),
    "cc": ("dcid", "id", "sectionid", "studentid", "dateenrolled", "dateleft"),
    "students": ("dcid", "id", "student_number"),
    "terms": ("dcid", "id", "yearid", "schoolid", "firstday", "lastday"),
    "sectionteacher": ("id", "sectionid", "teacherid", "roleid", "start_date", "end_date"),
    "roledef": ("id", "name"),
    "schoolstaff": ("dcid", "id", "users_dcid", "schoolid"),
}
_NAMESPACE = "{http://plugin.powerschool.pearson.com}"


def usual_grants() -> dict[tuple[str, str], Access]:
    """Return the grants that worked on a live server (upstream.md PowerSchool §2), and roster columns."""
    viewed: Iterable[tuple[str, str]] = ((t, c) for t, columns in _VIEWED.items() for c in columns)
    granted: dict[tuple[str, str], Access] = dict.fromkeys(viewed, "ViewOnly")
    return granted | {(table, EVERY_COLUMN): "FullAccess" for table in GRADEBOOK_TABLES}


@dataclass
class Plugin:
    """Describe a plugin that is installed and enabled. Tables and columns are in lower case."""

    plugin_id: int = 744
    client_id: str = "b7a1c0de-0000-4000-8000-000000000744"
    client_secret: str = "5ec2e700-0000-4000-8000-000000000744"
    v1_access: V1Access = "READ"
    granted: dict[tuple[str, str], Access] = field(default_factory=usual_grants)
    denied: set[tuple[str, str]] = field(default_factory=set)

    def install(self, plugin_xml: str) -> None:
        """Take the grants and the v1 access of a `plugin.xml`, and nothing else."""
        root = ElementTree.fromstring(plugin_xml)  # noqa: S314 - written by the person who starts the sandbox
        fields = root.iter(f"{_NAMESPACE}field")
        self.granted = {
            (f.attrib["table"].lower(), f.attrib["field"].lower()): _access(f.attrib["access"])
            for f in fields
        }
        oauth = root.find(f"{_NAMESPACE}oauth")
        self.v1_access = _v1("NONE" if oauth is None else oauth.attrib.get("accessLevelV1Api", "NONE"))
        self.denied.clear()

    def deny(self, table: str, column: str) -> None:
        """Withhold one column, whatever was granted."""
        self.denied.add((table.lower(), column.lower()))

    def allow(self, table: str, column: str) -> None:
        """Take a `deny` back."""
        self.denied.discard((table.lower(), column.lower()))

    def reads(self, table: str, column: str) -> bool:
        """Return whether the plugin may see a column."""
        return self.access(table, column) is not None

    def writes(self, table: str, column: str) -> bool:
        """Return whether the plugin may change a column."""
        return self.access(table, column) == "FullAccess"

    def access(self, table: str, column: str) -> Access | None:
        """Return the plugin's access to a column; None where it has none."""
        if (table, column) in self.denied:
            return None
        return self.granted.get((table, column)) or self.granted.get((table, EVERY_COLUMN))


def _access(text: str) -> Access:
    match text:
        case "ViewOnly" | "FullAccess":
            return text
    raise ValueError(f"access must be ViewOnly or FullAccess, not {text!r}")


def _v1(text: str) -> V1Access:
    match text:
        case "NONE" | "READ" | "FULL":
            return text
    raise ValueError(f"accessLevelV1Api must be NONE, READ or FULL, not {text!r}")
