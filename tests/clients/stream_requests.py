"""The vendor's documented way to read a stream, with `requests`: BASE_URL MESSAGE.

Prints one JSON line: the text, and when the first and the last piece came (seconds).
"""

import codecs
import json
import sys
import time

import requests

base, message = sys.argv[1], sys.argv[2]
began = time.monotonic()
response = requests.post(
    base + "/v2/stream/",
    headers={
        "accept": "application/json",
        "content-type": "application/json",
        "x-api-key": "any",
    },
    json={
        "user_id": "user123",
        "agent_id": "60d0fe4f5311236168a109ca",
        "session_id": None,
        "message": message,
    },
    stream=True,
)
if response.status_code != 200:
    sys.exit(f"{response.status_code} {response.text}")
# A piece may end inside a character.
decoder = codecs.getincrementaldecoder("utf-8")()
pieces, stamps = [], []
for piece in response.iter_content(chunk_size=128):
    stamps.append(time.monotonic() - began)
    pieces.append(decoder.decode(piece))
text = "".join(pieces) + decoder.decode(b"", final=True)
print(json.dumps({"text": text, "first": stamps[0], "last": stamps[-1], "pieces": len(pieces)}))
