"""Writes wait for their block without keeping each other, or any read, waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from api.pools import WRITE_THREADS_MAX
from tests.api.recording import NUMBER

POSTS = 64
MORE_THAN_THREADS = WRITE_THREADS_MAX + 20


def test_sixty_four_posts_wait_at_once_and_reads_pass_them(caller, recording):
    recording.gate = threading.Event()
    with ThreadPoolExecutor(POSTS) as pool:
        posts = [pool.submit(caller.post, "/v1/invoices", {"document": {}}, key=f"k{index}") for index in range(POSTS)]
        for _ in range(POSTS):
            assert recording.waiting.acquire(timeout=20)
        assert caller.get(f"/v1/invoices/{NUMBER}").status == 200
        assert not any(post.done() for post in posts)
        recording.gate.set()
        assert {post.result(20).status for post in posts} == {201}


def test_reads_pass_more_waiting_posts_than_there_are_threads(caller, recording):
    recording.gate = threading.Event()
    with ThreadPoolExecutor(MORE_THAN_THREADS) as pool:
        posts = [
            pool.submit(caller.post, "/v1/invoices", {"document": {}}, key=f"k{index}")
            for index in range(MORE_THAN_THREADS)
        ]
        for _ in range(WRITE_THREADS_MAX):
            assert recording.waiting.acquire(timeout=30)
        assert not recording.waiting.acquire(timeout=0.2)
        assert caller.get("/v1/claims").status == 200
        recording.gate.set()
        assert {post.result(30).status for post in posts} == {201}
