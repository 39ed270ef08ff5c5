"""Clients of the lab's own API: handlers go through it, so that botocore checks names and types."""

import os
from functools import cache
from typing import Any

import boto3

ACCOUNT = "123456789012"


def region() -> str:
    return os.environ["AWS_REGION"]


@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name=region(), endpoint_url=os.environ["AWS_ENDPOINT_URL"])
