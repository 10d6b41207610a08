"""What redriving a return answers."""

from pydantic import Field

from commerce.http.contracts import Output
from commerce.returns.workflow_model import ReturnWorkflow


class ReturnRedriven(Output):
    """Another execution of the return's workflow takes the place of the one there was, within seconds."""

    return_id: str = Field(examples=["ret_0198f3a27c4d7e10a5b6c7d8e9f00112"])
    execution: str = Field(examples=["ret_0198f3a27c4d7e10a5b6c7d8e9f00112-2"])
    generation: int = Field(examples=[2])

    @classmethod
    def of(cls, workflow: ReturnWorkflow) -> "ReturnRedriven":
        return cls(return_id=workflow.return_id, execution=workflow.execution, generation=workflow.generation)
