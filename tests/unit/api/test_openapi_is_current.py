"""The committed description of the API."""

from tailrace_api import openapi


def test_the_committed_file_is_what_the_routes_say() -> None:
    assert openapi.TARGET.read_text() == openapi.text()


def test_every_answer_is_described() -> None:
    document = openapi.document()
    assert "/api/v1/flows/{id}/execute" in document["paths"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert "default" in operation["responses"]
            assert "422" not in operation["responses"]
    flow = document["components"]["schemas"]["Flow"]["properties"]
    assert list(flow) == ["id", "name", "namespace", "yamlContent", "createdAt", "updatedAt"]
