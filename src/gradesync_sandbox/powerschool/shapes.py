"""Render assignments and categories as `/ws/xte` does (upstream.md PowerSchool §4.2, §3.1)."""

from gradesync_sandbox.powerschool.rows import Assignment, AssignmentSection, Category
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import decimal, render_object

_LONG = "<p>" + "Work of this kind is described by the district at some length. " * 60 + "</p>"


def assignment_shape(sis: PowerSchool, assignment: Assignment) -> dict[str, object]:
    """Render an assignment with all of its sections."""
    return render_object(
        "assignment",
        assignment.assignmentid,
        noisy=sis.switches.breach_mitigation,
        assignmentid=assignment.assignmentid,
        createdbyplugin=assignment.createdbyplugin,
        hasstandards=False,
        standardcalcdirection=assignment.standardcalcdirection,
        standardscoringmethod=assignment.standardscoringmethod,
        hasextracriteria=False,
        _assignmentstandardassociations=[],
        _assignmentsections=[_part(sis, part) for part in assignment.sections],
    )


def _part(sis: PowerSchool, part: AssignmentSection) -> dict[str, object]:
    noisy = sis.switches.breach_mitigation
    return render_object(
        "assignmentsection",
        part.assignmentsectionid,
        noisy=noisy,
        assignmentsectionid=part.assignmentsectionid,
        sectionsdcid=part.sectionsdcid,
        name=part.name,
        description=part.description,
        duedate=part.duedate,
        scoretype=part.scoretype,
        scoreentrypoints=decimal(part.scoreentrypoints),
        weight=decimal(part.weight),
        totalpointvalue=decimal(part.totalpointvalue),
        extracreditpoints=decimal(part.extracreditpoints),
        iscountedinfinalgrade=part.iscountedinfinalgrade,
        isscoringneeded=part.isscoringneeded,
        publishoption=part.publishoption,
        publisheddate=part.duedate,
        publishdaysbeforedue=part.publishdaysbeforedue,
        publishonspecificdate=part.publishonspecificdate,
        isscorespublish=part.isscorespublish,
        maxretakeallowed=part.maxretakeallowed,
        relatedgradescaleitemdcid=part.relatedgradescaleitemdcid,
        islocked=part.locked or sis.term_of(sis.sections[part.sectionsdcid]).locked,
        minvalues={"minpercent": 0, "minpoints": 0, "mingrade": "F"},
        _assignmentstudentassociations=[
            render_object("assignmentstudentassoc", None, noisy=False, studentsdcid=dcid)
            for dcid in part.students
        ],
        _assignmentcategoryassociations=[
            render_object(
                "assignmentcategoryassoc",
                assoc.assignmentcategoryassocid,
                noisy=noisy,
                assignmentcategoryassocid=assoc.assignmentcategoryassocid,
                teachercategoryid=assoc.teachercategoryid,
                isprimary=assoc.isprimary,
            )
            for assoc in part.categories
        ],
    )


def category_shape(sis: PowerSchool, category: Category) -> dict[str, object]:
    """Render a category, with the long description that districts write."""
    return render_object(
        "teachercategory",
        category.teachercategoryid,
        noisy=sis.switches.breach_mitigation,
        teachercategoryid=category.teachercategoryid,
        districtteachercategoryid=category.districtteachercategoryid,
        usersdcid=category.usersdcid,
        name=category.name,
        description=_LONG,
        color="1",
        categorytype="user" if category.districtteachercategoryid is None else "district",
        isactive=category.isactive,
        isinfinalgrades=True,
        isusermodifiable=True,
        teachermodified=False,
        displayposition=category.displayposition,
        isdefaultpublishscores=True,
        defaultpublishoption="Immediately",
        defaultscoretype="POINTS",
        defaultscoreentrypoints=10.0,
        defaultextracreditpoints=0.0,
        defaultweight=1.0,
        defaulttotalvalue=10.0,
        _categoryschoolexcludeassociations=[],
        _teachercategorysectionexcludeassociations=[],
    )
