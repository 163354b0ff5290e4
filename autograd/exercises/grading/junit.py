"""Results as JUnit's XML, which many programs read: a test suite for each submission."""

import xml.etree.ElementTree as ET

from ..checking import NOT_DONE, RIGHT, WRONG
from ..judge import MISSING
from .grades import Grades

KINDS = {WRONG: "failure", NOT_DONE: "skipped", MISSING: "skipped"}  # others are errors


def xml(grades: Grades) -> bytes:
    """A test suite for each submission, a case for each task, its points as properties."""
    root = ET.Element("testsuites", name="autograd.exercises")
    for name in grades.results:
        suite = ET.SubElement(root, "testsuite", name=name)
        counts = {"tests": 0, "failure": 0, "skipped": 0, "error": 0}
        for result in grades.row(name):
            case = ET.SubElement(suite, "testcase", classname=name, name=result.task)
            properties = ET.SubElement(case, "properties")
            for key, points in (
                ("points", grades.scored(result)),
                ("max_points", grades.points[result.task]),
            ):
                ET.SubElement(properties, "property", name=key, value=f"{points:g}")
            counts["tests"] += 1
            if result.state != RIGHT:
                kind = KINDS.get(result.state, "error")
                counts[kind] += 1
                message = result.text.partition("\n")[0]
                ET.SubElement(case, kind, message=message).text = result.text
        tests, failures, skipped, errors = map(str, counts.values())
        suite.attrib |= {
            "tests": tests, "failures": failures, "skipped": skipped, "errors": errors,
        }  # fmt: skip
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
