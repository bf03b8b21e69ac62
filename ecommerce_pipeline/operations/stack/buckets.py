"""The object store's inside: bucket, versions, encryption, and one user for each that needs it.

Everything is set anew at every start, by the store's own API and so alike for the native server and the container: a
changed password or policy is in force after the next start. Passwords go through the API, encrypted, and not through
a command line.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.credentials.providers import StaticProvider
from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule
from minio.minioadmin import MinioAdmin
from minio.sseconfig import Rule as Encryption
from minio.sseconfig import SSEConfig
from minio.versioningconfig import VersioningConfig

from ecommerce_pipeline.operations.stack.secrets import secret
from ecommerce_pipeline.settings import Settings

ROOT = "root"
# A deleted or replaced object can be had back for this long; Iceberg replaces files all the time, so not for ever.
KEPT_DAYS = 7
WRITE = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
LIST = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
READ_ALL = ["s3:GetObject", "s3:GetObjectVersion", *LIST, "s3:ListBucketVersions", "s3:GetBucketVersioning"]
User = Literal["pipeline", "ingestion", "trino", "backup"]
_SECRET: dict[User, str] = {
    "pipeline": "s3_secret_key",
    "ingestion": "s3_ingestion_secret_key",
    "trino": "s3_trino_secret_key",
    "backup": "s3_backup_secret_key",
}


def provision(settings: Settings) -> None:
    """Bucket and users as they must be; without effect where they are so already."""
    host = settings.object_store.partition("://")[2]
    root = secret(settings, "minio_root_password")
    _bucket(Minio(endpoint=host, access_key=ROOT, secret_key=root, secure=False), settings.s3_bucket)
    admin = MinioAdmin(endpoint=host, credentials=StaticProvider(ROOT, root), secure=False)
    for user, name in _SECRET.items():
        admin.policy_add(user, policy=policy_of(user, settings.s3_bucket))
        admin.user_add(user, secret(settings, name))
        if user not in _attached(admin, user):
            admin.attach_policy([user], user=user)


def policy_of(user: User, bucket: str) -> dict[str, Any]:
    """What a user may do, as an S3 policy."""
    whole, tables = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/warehouse"
    allowed: dict[User, list[tuple[list[str], list[str]]]] = {
        "pipeline": [(LIST, [whole]), (WRITE, [f"{tables}/*"])],
        "trino": [(LIST, [whole]), (WRITE, [f"{tables}/*"])],
        # raw tables and the table of what they rejected; no table that is made of them
        "ingestion": [(LIST, [whole]), (WRITE, [f"{tables}/raw_*", f"{tables}/quality/rejects*"])],
        "backup": [(READ_ALL, [whole, f"{whole}/*"])],
    }
    statements = [{"Effect": "Allow", "Action": what, "Resource": where} for what, where in allowed[user]]
    return {"Version": "2012-10-17", "Statement": statements}


def _bucket(store: Minio, name: str) -> None:
    if not store.bucket_exists(name):
        store.make_bucket(name)
    store.set_bucket_versioning(name, VersioningConfig(ENABLED))
    store.set_bucket_encryption(name, SSEConfig(Encryption.new_sse_s3_rule()))
    forget = Rule(
        ENABLED,
        rule_filter=Filter(prefix=""),
        rule_id="forget-old-versions",
        # a deleted object leaves a mark, which every listing would walk past for ever
        expiration=Expiration(expired_object_delete_marker=True),
        noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=KEPT_DAYS),
    )
    store.set_bucket_lifecycle(name, LifecycleConfig([forget]))


def _attached(admin: MinioAdmin, user: str) -> list[str]:
    return str(json.loads(admin.user_info(user)).get("policyName", "")).split(",")
