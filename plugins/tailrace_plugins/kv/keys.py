"""What a key of the key-value store may be."""

from typing import Annotated

from pydantic import Field

Key = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._~:@-]{1,253}$",
        max_length=253,
        description="Letters, digits and . _ ~ : @ -, at most 253; of the namespace of the flow.",
    ),
]
