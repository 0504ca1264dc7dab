"""json.query: a JMESPath query on a JSON value."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from tailrace_plugins.base import Model, Plugin, TaskContext, TaskError


class Inputs(Model):
    """The value and the question."""

    data: Annotated[
        Any, Field(description="Any JSON value; mostly a template, such as {{ tasks.fetch.outputs.body }}.")
    ]
    query: Annotated[
        str,
        Field(
            description="A JMESPath expression, such as items[?price > `10`].name.",
            min_length=1,
            max_length=8192,
        ),
    ]


class Outputs(Model):
    """The answer."""

    result: Annotated[Any, Field(description="What the query gives; null where nothing matches.")]


class JsonQuery(Plugin[Inputs, Outputs]):
    """Query JSON."""

    id = "json.query"
    name = "JSON query"
    category = "json"
    description = "Picks, filters and reshapes a JSON value with a JMESPath expression."
    pure = True
    example: ClassVar[dict[str, Any]] = {
        "data": {"items": [{"name": "tea", "price": 4}, {"name": "coffee", "price": 12}]},
        "query": "items[?price > `10`].name",
    }

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:  # noqa: ARG002 — the interface
        """Ask."""
        import jmespath
        from jmespath.exceptions import JMESPathError

        try:
            return Outputs(result=jmespath.search(inputs.query, inputs.data))
        except JMESPathError as error:
            line = " ".join(str(error).split())
            raise TaskError(f"properties.query: {line}", "InvalidQuery", retryable=False) from None
