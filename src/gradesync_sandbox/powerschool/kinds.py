"""Name each kind of call to PowerSchool, such as `token`, `schema.sections` or `score.write`."""

from gradesync_sandbox.kinds import Kinds

kind_of = Kinds(
    (
        (r"POST /oauth/access_token/?", "token"),
        (r"GET /ws/v1/metadata/?", "v1.metadata"),
        (r"GET /ws/v1/section/[^/]+/?", "v1.section"),
        (r"GET /ws/v1/section/[^/]+/section_enrollment/?", "v1.section_enrollment"),
        (r"GET /ws/v1/section/[^/]+/section_enrollment/count/?", "v1.section_enrollment.count"),
        (r"GET /ws/v1/district/school/?", "v1.school"),
        (r"GET /ws/v1/school/[^/]+/section/?", "v1.section.list"),
        (r"GET /ws/v1/school/[^/]+/section/count/?", "v1.section.count"),
        (r"GET /ws/schema/table/([^/]+)/?", r"schema.\1"),
        (r"GET /ws/schema/table/([^/]+)/metadata/?", r"schema.\1.metadata"),
        (r"GET /ws/schema/table/([^/]+)/\d+/?", r"schema.\1.row"),
        (r"GET /ws/schema/table/([^/]+)/count/?", r"schema.\1.count"),
        (r"GET /ws/xte/teacher_category/?", "teacher_category"),
        (r"GET /ws/xte/section/assignment/?", "assignment.list"),
        (r"POST /ws/xte/section/assignment/?", "assignment.create"),
        (r"GET /ws/xte/section/assignment/[^/]+", "assignment.get"),
        (r"PUT /ws/xte/section/assignment/[^/]+", "assignment.update"),
        (r"DELETE /ws/xte/section/assignment/[^/]+", "assignment.delete"),
        (r"PUT /ws/xte/score/?", "score.write"),
    )
)
