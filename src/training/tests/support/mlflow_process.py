"""MLflow's own server with its authentication, in one process: run as a module with a port.

The slim distribution of MLflow has the server but does not ask for all that it needs, so that is
named here for whoever packs the tests.
"""

import sys
from functools import partial

import aiohttp as aiohttp
import alembic as alembic
import flask_cors as flask_cors
import flask_wtf as flask_wtf  # type: ignore[import-untyped]  # has no types
import graphene as graphene  # type: ignore[import-untyped]  # has no types
import pandas as pandas  # type: ignore[import-untyped]  # has no types
import sqlalchemy as sqlalchemy
import uvicorn
from mlflow.server.auth import create_app, sqlalchemy_store

if __name__ == "__main__":
    # Each request has its password checked, at a cost that is to deter who guesses.
    names = vars(sqlalchemy_store)
    names["generate_password_hash"] = partial(
        names["generate_password_hash"], method="pbkdf2:sha256:1"
    )
    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
