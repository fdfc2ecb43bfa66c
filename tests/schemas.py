#!/usr/bin/env python3
"""Checks the shipped schemas and manifests with a validator that shares no code with Fabrica.

Every file in schemas/ must be a schema of draft 2020-12, and reject what is no object of its kind. Every document of
every manifest in examples/ must be valid for the schema of its kind. Prints `N passed, M failed`; fails if any did.
"""

import copy
import json
import sys
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
DRAFT = "https://json-schema.org/draft/2020-12/schema"

results = {"passed": 0, "failed": 0}


def check(what, faults):
    """Counts one check; `faults` says what is wrong."""
    results["failed" if faults else "passed"] += 1
    for fault in faults:
        print(f"FAILED {what}: {fault}")


def validator(schema):
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults_of(schema, document):
    return [f"{error.json_path}: {error.message}" for error in validator(schema).iter_errors(document)]


def schemas():
    """The shipped schemas, by apiVersion and kind."""
    found = {}
    for path in sorted((ROOT / "schemas").glob("**/*.json")):
        name = path.relative_to(ROOT)
        schema = json.loads(path.read_text())
        faults = [error.message for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)]
        if schema.get("$schema") != DRAFT:
            faults.append(f"its $schema is not {DRAFT}")
        check(f"{name} is a schema", faults)
        api_version, kind = (schema["properties"][field]["const"] for field in ("apiVersion", "kind"))
        group, version = api_version.split("/")
        place = Path("schemas") / group / f"{kind.lower()}_{version}.json"
        check(f"{name} is where its kind says", [] if name == place else [f"it should be {place}"])
        found[api_version, kind] = schema
    check("there are schemas", [] if found else ["none in schemas/"])
    return found


def manifests():
    """The documents of the shipped manifests, with their places."""
    for path in sorted(path for suffix in ("yaml", "yml") for path in (ROOT / "examples").glob(f"**/*.{suffix}")):
        for number, document in enumerate(yaml.safe_load_all(path.read_text()), 1):
            if document is not None:
                yield f"{path.relative_to(ROOT)}, document {number}", document


def broken(document):
    """Ways in which a valid document can be made wrong."""
    for field in ("apiVersion", "kind", "metadata", "spec"):
        yield f"without {field}", {key: value for key, value in document.items() if key != field}
        yield f"with a number for {field}", {**document, field: 5}
    for field in document["spec"]:
        wrong = copy.deepcopy(document)
        wrong["spec"][field] = [[]]
        yield f"with a wrong spec.{field}", wrong


def main():
    kinds = schemas()
    for place, document in manifests():
        schema = kinds.get((document.get("apiVersion"), document.get("kind")))
        if schema is None:
            check(place, [f"no schema for {document.get('apiVersion')} {document.get('kind')}"])
            continue
        check(place, faults_of(schema, document))
        for how, wrong in broken(document):
            check(f"{place}, {how}", [] if faults_of(schema, wrong) else ["it is taken for valid"])
    print(f"{results['passed']} passed, {results['failed']} failed")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
