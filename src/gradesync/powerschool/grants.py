"""The columns that our plugin asks for, of the tables that a sync works with (contract sections 2 and 3.1).

With less than every column of the gradebook's tables, a create was refused on a live server.
"""

from collections.abc import Mapping

AUDIT = ("whocreated", "whencreated", "whomodified", "whenmodified")

WRITTEN: Mapping[str, tuple[str, ...]] = {
    "assignment": (
        *("assignmentid", "yearid", "createdbyplugin", "hasstandards", "standardscoringmethod"),
        *("standardcalcdirection", "standardrollupmethod", "standardrollupmetric", *AUDIT),
    ),
    "assignmentsection": (
        *("assignmentsectionid", "yearid", "sectionsdcid", "assignmentid", "relatedgradescaleitemdcid"),
        *("name", "duedate", "description", "scoretype", "scoreentrypoints", "extracreditpoints", "weight"),
        *("totalpointvalue", "iscountedinfinalgrade", "isscoringneeded", "publishoption"),
        *("publishdaysbeforedue", "publishonspecificdate", "publisheddate", "publishedscoretypeid"),
        *("isscorespublish", "maxretakeallowed", *AUDIT),
    ),
    "assignmentcategoryassoc": (
        *("assignmentcategoryassocid", "assignmentsectionid", "teachercategoryid", "yearid", "isprimary"),
        *AUDIT,
    ),
    "assignmentscore": (
        *("assignmentscoreid", "yearid", "assignmentsectionid", "studentsdcid", "islate", "iscollected"),
        *("isexempt", "ismissing", "isabsent", "isincomplete", "actualscoreentered", "actualscorekind"),
        *("actualscoregradescaledcid", "scorepercent", "scorepoints", "scorelettergrade"),
        *("scorenumericgrade", "scoreentrydate", "scoregradescaledcid", "hasretake", *AUDIT),
    ),
}
"""Tables that a sync writes: FullAccess."""

READ: Mapping[str, tuple[str, ...]] = {
    "sections": ("dcid", "id", "termid", "schoolid"),
    "sectionteacher": ("sectionid", "teacherid"),
    "schoolstaff": ("id", "users_dcid"),
    "terms": ("id", "yearid", "schoolid", "firstday", "lastday"),
    "students": ("dcid", "id", "student_number"),
    "cc": ("sectionid", "studentid"),
    "teachercategory": (
        *("teachercategoryid", "districtteachercategoryid", "usersdcid", "name", "description", "color"),
        *("isactive", "isinfinalgrades", "isusermodifiable", "teachermodified", "displayposition"),
        *("isdefaultpublishscores", "defaultpublishoption", "defaultpublishstate", "defaultdaysbeforedue"),
        *("defaultscoretype", "defaultscoreentrypoints", "defaultextracreditpoints", "defaultweight"),
        "defaulttotalvalue",
    ),
}
"""Tables that a sync reads: ViewOnly."""
