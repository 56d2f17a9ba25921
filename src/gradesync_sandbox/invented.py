"""List names and titles for a district that does not exist."""

FIRST = (
    "Ada", "Amara", "Beatriz", "Björn", "Chloé", "Darius", "Elif", "Farid", "Giulia", "Hana", "Ingrid",
    "Jamal", "Keiko", "Lena", "Mateo", "Noor", "Oisín", "Priya", "Quentin", "Rosa", "Sefa", "Tomás",
    "Uma", "Viktor", "Wren", "Ximena", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Abara", "Bellweather", "Castellan", "Drummond", "Estrada", "Fairbairn", "Guðmunds", "Hollis", "Iwata",
    "Jarvinen", "Kestrel", "Lindqvist", "Marchetti", "Nakamura", "O'Dell", "Pemberton", "Quarles",
    "Rasmussen", "Sørensen", "Thackeray", "Underhill", "Vasquez", "Whitlock", "Yilmaz", "Zimmer",
)  # fmt: skip
COURSES = (
    ("Algebra 1", "MAT101"),
    ("Biology", "SCI110"),
    ("World History", "HIS120"),
    ("English 9", "ENG109"),
    ("Chemistry", "SCI210"),
    ("Geometry", "MAT201"),
    ("Français 2", "LAN202"),
    ("Studio Art", "ART115"),
)
TOPICS = (
    "Linear equations", "Slope and intercept", "Graphs that tell stories", "Ratios at the market",
    "Reading a table", "Patterns in tiles", "Square roots by hand", "Bridges and beams", "A map to scale",
    "Probability with dice", "Rates of change", "Proof without words", "Water and weather", "Two unknowns",
    "Estimation walk", "The long way round", "Symmetry hunt", "Sums and series", "A fair price",
    "Counting carefully",
)  # fmt: skip

# Schoology's categories of a section, and below the same in the SIS: alike but for case and spaces.
CATEGORIES = ("Homework", "Quizzes ", "Tests", "Lab Reports", "Participation")
SIS_CATEGORIES = ("homework", "Quizzes", "TESTS", " Lab reports", "Participation")
# A Schoology category whose SIS namesake is inactive.
UNMAPPED = "Side Projects"

SCHOOLS = ("Riverside High School", "Cedar Bluff Middle School")
