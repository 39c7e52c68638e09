"""The embedded node as a web3 provider, in process: the writer's code is the same as for a remote node."""

from __future__ import annotations

from typing import Any

from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCError, RPCResponse

from ledger.chain.errors import RpcError
from ledger.chain.jsonrpc import NodeRpc


class EmbeddedProvider(BaseProvider):
    """Answers web3's requests from the store. Failures of the store and the clock pass through as they are."""

    def __init__(self, rpc: NodeRpc) -> None:
        super().__init__()
        self._rpc = rpc

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The JSON-RPC response to one request."""
        try:
            result = self._rpc.answer(method, list(params or []))
        except RpcError as err:
            error: RPCError = {"code": err.code, "message": str(err)}
            if err.data is not None:
                error["data"] = err.data
            return {"jsonrpc": "2.0", "id": 0, "error": error}
        return {"jsonrpc": "2.0", "id": 0, "result": result}

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002
        """Always: the node is this process."""
        return True
