from __future__ import annotations

import pytest

from compound.log.partition import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "signed"),
    [  # org.apache.kafka.common.utils.UtilsTest.testMurmur2
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_as_in_kafka(key, signed):
    assert murmur2(key) == signed % 2**32


def test_the_sign_is_dropped_not_turned():
    assert partition_of(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7


def test_every_partition_is_used():
    assert {partition_of(b"device-%d" % n, 5) for n in range(200)} == set(range(5))
    assert {partition_of(b"device-%d" % n, 1) for n in range(9)} == {0}
