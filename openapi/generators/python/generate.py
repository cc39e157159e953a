"""Writes the Python client: openapi-python-client's package with the two classes of `templates` for a face, and `package` around it.

Usage: python generate.py openapi.json folder-of-the-package
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.strings import PythonIdentifier

HERE = Path(__file__).parent
PACKAGE = "rowlock_client"


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python generate.py openapi.json folder-of-the-package")
    document_path, folder = map(Path, sys.argv[1:])
    document = json.loads(document_path.read_text(encoding="utf-8"))
    shutil.rmtree(folder / PACKAGE, ignore_errors=True)
    generate(document, document_path, folder / PACKAGE)
    shutil.copytree(HERE / "package", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / PACKAGE / "py.typed").touch()


def generate(document: dict[str, Any], source: Path, folder: Path) -> None:
    """What the program `openapi-python-client` does, with what its templates cannot know by themselves."""
    settings = ConfigFile.load_from_path(HERE / "config.yaml")
    config = Config.from_sources(settings, MetaType.NONE, source, "utf-8", overwrite=False, output_path=folder)
    # It empties what it is given, so it gets its own.
    data = GeneratorData.from_dict(json.loads(json.dumps(document)), config=config)
    if isinstance(data, GeneratorError):
        raise SystemExit(f"{data.header}: {data.detail}")
    project = Project(openapi=data, config=config, custom_template_path=HERE / "templates")
    project.env.globals["operations"] = {
        str(PythonIdentifier(operation["operationId"], config.field_prefix)): facts_of(operation, document["components"]["schemas"])
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    errors = project.build()
    for error in errors:
        print(f"{error.header}: {error.detail}", file=sys.stderr)
    if errors:
        raise SystemExit("openapi.json cannot be made a Python client: see above")


def facts_of(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What the face says and does about an operation that the generator does not pass on."""
    schemes = [scheme for alternative in operation.get("security", []) for scheme in alternative]
    is_signed = "GatewaySignature" in schemes
    return {
        "parameters": {parameter["name"]: unwrapped(parameter["description"]) for parameter in operation.get("parameters", [])},
        "body": "The notice as JSON, exactly the bytes that were signed: see `sign_notice`." if is_signed else body_of(operation, schemas),
        "codes": codes_of(operation),
        "takes_token": "CustomerToken" in schemes,
        "is_signed": is_signed,
    }


def body_of(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    """What its body is."""
    if "requestBody" not in operation:
        return ""
    reference: str = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return unwrapped(schemas[reference.rsplit("/", 1)[-1]]["description"])


def unwrapped(text: str) -> str:
    """Each paragraph and each item of a list on one line, to be wrapped anew."""
    return re.sub(r"(?<!\n)\n(?![\n*-])", " ", text)


def codes_of(operation: dict[str, Any]) -> list[str]:
    """The codes of its refusals, each of which has an example."""
    refusals = [response.get("content", {}).get("application/problem+json", {}) for response in operation["responses"].values()]
    return sorted({f"`{code}`" for refusal in refusals for code in refusal.get("examples", {})})


if __name__ == "__main__":
    main()
