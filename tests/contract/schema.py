"""Whether a bill of materials is valid by CycloneDX's own schema: schema.py SCHEMAS DOCUMENT."""

import json
import sys
from pathlib import Path

import jsonschema_rs


def main(schemas, document):
    def load(name):
        return json.loads((Path(schemas) / name).read_text())

    def retrieve(address):
        # The schema refers to two others by their names, and to nothing outside.
        return load(address.rsplit("/", 1)[-1])

    validator = jsonschema_rs.Draft7Validator(
        load("bom-1.5.SNAPSHOT.schema.json"), retriever=retrieve
    )
    problems = [
        f"{problem.instance_path}: {problem.message}"
        for problem in validator.iter_errors(json.loads(Path(document).read_text()))
    ]
    for problem in problems[:10]:
        print(problem)
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
