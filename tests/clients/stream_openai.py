"""The `openai` package, streaming: BASE_URL (with /v1 or /v4) MESSAGE.

Prints one JSON line: the text, and when the first and the last piece came (seconds).
"""

import json
import sys
import time

from openai import OpenAI

base, message = sys.argv[1], sys.argv[2]
client = OpenAI(base_url=base, api_key="any", max_retries=0)
assert any(model.id for model in client.models.list()) if base.endswith("/v1") else True
began = time.monotonic()
pieces, stamps, usage = [], [], None
stream = client.chat.completions.create(
    model="60d0fe4f5311236168a109ca",
    messages=[{"role": "user", "content": message}],
    stream=True,
    stream_options={"include_usage": True},
)
for event in stream:
    if event.choices and event.choices[0].delta.content:
        stamps.append(time.monotonic() - began)
        pieces.append(event.choices[0].delta.content)
    usage = event.usage or usage
whole = client.chat.completions.create(
    model="60d0fe4f5311236168a109ca",
    messages=[{"role": "user", "content": message}],
)
assert whole.choices[0].message.content == "".join(pieces), whole
assert usage.completion_tokens == len(pieces), usage
print(
    json.dumps(
        {"text": "".join(pieces), "first": stamps[0], "last": stamps[-1], "pieces": len(pieces)}
    )
)
