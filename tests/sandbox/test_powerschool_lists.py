"""Test descriptions of tables, single rows, schools and sections (upstream.md PowerSchool §5.2)."""

from harness.powerschool_client import District, Plugin


async def test_table_metadata_names_columns_and_access(district: District, client: Plugin) -> None:
    district.sis.plugin.deny("sections", "teacher")
    asked = {"expansions": "access"}
    shown = (await client.http.get("/ws/schema/table/sections/metadata", params=asked)).json()
    access = {column["name"]: column["access"] for column in shown["columns"]}
    assert (access["DCID"], access["TEACHER"]) == ("ViewOnly", "NoAccess")
    bare = (await client.http.get("/ws/schema/table/assignmentscore/metadata")).json()
    assert {"name": "SCOREPOINTS"} in bare["columns"]


async def test_a_row_is_read_by_its_key(district: District, client: Plugin) -> None:
    student, path = district.students[0], "/ws/schema/table/students"
    shown = (await client.http.get(f"{path}/{student.dcid}", params={"projection": "student_number"})).json()
    assert shown["tables"]["students"] == {"student_number": str(student.student_number)}
    missing = await client.http.get(f"{path}/1", params={"projection": "dcid"})
    assert missing.status_code == 404


async def test_v1_lists_schools_and_sections_with_counts(district: District, client: Plugin) -> None:
    school = (await client.http.get("/ws/v1/district/school")).json()["schools"]["school"]
    assert school["id"] == district.school.dcid
    for _ in range(4):
        district.sis.add_section(district.school, district.term, district.teacher)
    path = f"/ws/v1/school/{district.school.dcid}/section"
    district.sis.switches.page_cap = 2
    listed = [(await client.http.get(path, params={"page": n})).json()["sections"] for n in (1, 2, 3, 4)]
    assert [len(page["section"]) for page in listed[:2]] == [2, 2]
    assert isinstance(listed[2]["section"], dict)
    assert listed[3] == ""
    assert (await client.http.get(f"{path}/count")).json() == {"resource": {"count": 5}}
    enrolled = f"/ws/v1/section/{district.section.dcid}/section_enrollment/count"
    assert (await client.http.get(enrolled)).json() == {"resource": {"count": 3}}
    assert (await client.http.get("/ws/v1/school/1/section")).status_code == 404
    district.sis.plugin.v1_access = "NONE"
    assert (await client.http.get("/ws/v1/district/school")).status_code == 401
