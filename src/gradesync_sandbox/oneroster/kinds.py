"""Name each kind of call to the OneRoster SIS, such as `token` or `result.put`."""

from gradesync_sandbox.kinds import Kinds

_BASE = r"/ims/oneroster/(?:rostering/v1p2|gradebook/v1p2|v1p1)"

kind_of = Kinds(
    (pattern.replace("BASE", _BASE), kind)
    for pattern, kind in (
        (r"POST /oauth/token", "token"),
        (r"GET BASE/classes/[^/]+", "class.get"),
        (r"GET BASE/classes", "class.list"),
        (r"GET BASE/(?:terms|academicSessions)/[^/]+", "term.get"),
        (r"GET BASE/terms/[^/]+/gradingPeriods", "gradingPeriod.list"),
        (r"GET BASE/academicSessions", "academicSession.list"),
        (r"GET BASE/classes/[^/]+/students", "student.list"),
        (r"GET BASE/(?:classes/[^/]+/)?teachers", "teacher.list"),
        (r"GET BASE/users", "user.list"),
        (r"GET BASE/teachers/[^/]+/classes", "class.list"),
        (r"GET BASE/(?:classes/[^/]+/)?categories", "category.list"),
        (r"GET BASE/(?:classes/[^/]+/)?line[Ii]tems", "lineItem.list"),
        (r"GET BASE/lineItems/[^/]+", "lineItem.get"),
        (r"GET BASE/classes/[^/]+/(?:(?:line[Ii]tems|students)/[^/]+/)?results", "result.list"),
        (r"GET BASE/results/[^/]+", "result.get"),
        (r"PUT BASE/line[Ii]tems/[^/]+", "lineItem.put"),
        (r"PUT BASE/results/[^/]+", "result.put"),
        (r"POST BASE/line[Ii]tems/[^/]+/results", "result.post"),
        (r"DELETE BASE/line[Ii]tems/[^/]+", "lineItem.delete"),
        (r"DELETE BASE/results/[^/]+", "result.delete"),
    )
)
