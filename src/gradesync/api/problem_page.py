"""Explain a problem or a reason on a page, for the person who opens the link of an error in a browser."""

from base64 import b64encode
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

from gradesync.api.schemas import ProblemType

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 38rem; padding: 2rem 1.25rem; font: 1.0625rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1rem; margin: 1.5rem 0 0; }
p { margin: .25rem 0 0; }
code { overflow-wrap: anywhere; }
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - gradesync</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{parts}
</main>
</body>
</html>
"""
WHO = {"you": "The teacher of the section.", "admin": "An administrator of the district."}


def show_problem(problem: ProblemType) -> HTMLResponse:
    """Return the page of a problem."""
    parts = [("How to fix it", problem.fix)]
    if problem.reason:
        if (problem.reason.title, problem.reason.fix) != (problem.title, problem.fix):
            words = f"{problem.reason.title} {problem.reason.fix}"
            parts.append(("As the reason of a sync or an outcome", words))
        parts.append(("Who can fix it", WHO[problem.reason.who]))
        parts.append(("Can trying again help?", "Yes." if problem.reason.retryable else "Not by itself."))
    if problem.status is not None:
        parts.append(("HTTP status", str(problem.status)))
    shown = [f"<h2>{escape(name)}</h2>\n<p>{escape(words)}</p>" for name, words in parts]
    shown.append(f"<h2>Code</h2>\n<p><code>{escape(problem.code)}</code></p>")
    page = PAGE.format(title=escape(problem.title), style=STYLE, parts="\n".join(shown))
    return HTMLResponse(page, headers={"content-security-policy": POLICY})
