"""Uploads a file to a running service and waits for the end of its import.

    upload.py HOST:PORT TOKEN FILE

Prints the import's record with `seconds` added: from the first byte sent to the moment `end` was seen.
"""

import http.client
import json
import os
import sys
import time

address, token, file = sys.argv[1:]
BOUNDARY = "rollbook-benchmark"
HEADERS = {"Authorization": f"Bearer {token}"}

head = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="upload"; filename="{os.path.basename(file)}"\r\n'
    "Content-Type: text/csv\r\n\r\n"
).encode()
tail = f"\r\n--{BOUNDARY}--\r\n".encode()


def body(source):
    yield head
    while block := source.read(1 << 20):
        yield block
    yield tail


connection = http.client.HTTPConnection(address)
connection.connect()
begin = time.perf_counter()
with open(file, "rb") as source:
    length = len(head) + os.path.getsize(file) + len(tail)
    headers = HEADERS | {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
    }
    path = "/upload/csv/managed/bench_user?uniqueProperty=userName"
    connection.request("POST", path, body=body(source), headers=headers)
answer = connection.getresponse()
said = answer.read()
if answer.status != 200:
    sys.exit(f"refused with {answer.status}: {said.decode()}")
import_id = json.loads(said)["importUUIDs"][0]
while True:
    connection.request("GET", f"/openidm/csv/metadata/{import_id}", headers=HEADERS)
    record = json.loads(connection.getresponse().read())
    if "end" in record:
        break
    time.sleep(0.005)
print(json.dumps(record | {"seconds": time.perf_counter() - begin}))
