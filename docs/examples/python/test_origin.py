"""An origin for each test class, from Python's standard library alone.

Run: python3 -m unittest test_origin
HEADWATER says how to start it: `headwater` when it is absent.
"""

import json
import os
import shlex
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path


class Origin:
    """A Headwater on free ports, with a data directory of its own."""

    def __init__(self, *flags):
        self._data = tempfile.TemporaryDirectory(prefix="headwater-")
        command = shlex.split(os.environ.get("HEADWATER", "headwater"))
        command += ["serve", "--port", "0", "--admin-port", "0", "--data-dir", self._data.name]
        self._process = subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"headwater ended with {self._process.wait()}")
        ready = json.loads(line)
        self.data_plane_url = ready["dataPlaneUrl"]
        self.admin_url = ready["adminUrl"]
        self.encoder_key = self._key("encoder")
        self.player_key = self._key("player")
        self.super_user_key = self._key("super-user")

    def _key(self, role):
        return json.loads((Path(self._data.name) / f"{role}-key.json").read_text())["apiKey"]

    def put(self, key, body, ttl_seconds=60):
        url = f"{self.data_plane_url}/cache/live-origin/{key}?ttl_seconds={ttl_seconds}"
        headers = {"Authorization": self.encoder_key}
        request = urllib.request.Request(url, data=body, method="PUT", headers=headers)
        with urllib.request.urlopen(request) as answer:
            return answer.status

    def get(self, key):
        url = f"{self.data_plane_url}/cache/live-origin/{key}"
        request = urllib.request.Request(url, headers={"Authorization": self.player_key})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._data.cleanup()


class OriginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin()
        cls.addClassCleanup(cls.origin.close)

    def test_what_is_pushed_can_be_pulled(self):
        self.assertEqual(self.origin.put("playlist.m3u8", b"#EXTM3U\n"), 204)
        self.assertEqual(self.origin.get("playlist.m3u8"), b"#EXTM3U\n")

    def test_what_was_not_pushed_is_404(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.origin.get("nothing.ts")
        self.assertEqual(refused.exception.code, 404)
        refused.exception.close()


if __name__ == "__main__":
    unittest.main()
