import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from examples.demo.s3_server import OWNER, WRITER, S3Server
from examples.library.orders import main
from transforms.s3_client import forget_clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ORDERS = """\
2026-11-20T10:05:00+00:00,north,tea,3.50
2026-11-20T10:59:59+00:00,south,cup,7
2026-11-20T11:00:00+00:00,north,pot,21.00
2026-11-20T11:00:00+00:00,west,pot,21.00
"""


def test_another_pipeline_delivers_with_the_sink_alone(
    s3_server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in s3_server.environment(WRITER).items():
        monkeypatch.setenv(name, value)
    forget_clients()
    shops = ("north", "south")
    for shop in shops:
        s3_server.create_bucket(f"{shop}-orders")
    configuration = {
        "connections": [
            {
                "name": shop,
                "bucket": f"{shop}-orders",
                "region": "us-east-1",
                "endpoint_url": s3_server.endpoint_url,
            }
            for shop in shops
        ],
        "destinations": [
            {"name": shop, "connection": shop, "compression": "gzip", "match": {"write_key": shop}}
            for shop in shops
        ],
    }
    (tmp_path / "shops.yaml").write_text(yaml.safe_dump(configuration))
    (tmp_path / "orders.csv").write_text(ORDERS)
    main(
        [
            f"--orders={tmp_path}/orders.csv",
            f"--config={tmp_path}/shops.yaml",
            "--run_id=20261120",
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        ]
    )
    owner = s3_server.client(OWNER)
    assert [event["sku"] for event in events(owner, "north-orders")] == ["tea", "pot"]
    assert [event["sku"] for event in events(owner, "south-orders")] == ["cup"]
    said = capsys.readouterr().out
    assert "south-orders 2026/11/20/10/south_20261120T100000Z_20261120T110000Z_20261120-" in said
    assert "rejected: west" in said


def events(owner: "S3Client", bucket: str) -> list[dict[str, object]]:
    keys = [each["Key"] for each in owner.list_objects_v2(Bucket=bucket)["Contents"]]
    return [
        json.loads(line)
        for key in sorted(keys)
        for line in gzip.decompress(
            owner.get_object(Bucket=bucket, Key=key)["Body"].read()
        ).splitlines()
    ]
