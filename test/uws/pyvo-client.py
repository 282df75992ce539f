"""Makes the job argv[2:] (name=value) at the UWS endpoint argv[1], runs it, waits for it and fetches its result.

Prints as JSON what pyvo made of it. A job that is not COMPLETED in the end is an error.
"""
import hashlib
import json
import sys
import warnings

import requests
from pyvo.dal import AsyncTAPJob
from pyvo.io.uws import parse_job_list

warnings.simplefilter("error")
endpoint, *pairs = sys.argv[1:]
response = requests.post(endpoint, data=[tuple(pair.split("=", 1)) for pair in pairs])
response.raise_for_status()

job = AsyncTAPJob(response.url, delete=False)
created = job.phase
job.execution_duration = 3600
job.destruction = "2028-01-01T00:00:00Z"
job.run()
job.wait(timeout=60)
job.raise_if_error()
uri = job.result_uri
result = requests.get(uri)
result.raise_for_status()
found = {
    "id": job.job_id,
    "version": job.uws_version,
    "created": created,
    "phase": job.phase,
    "executionDuration": job.execution_duration.to_value("s"),
    "destruction": job.destruction.isot,
    "started": job.job.starttime.isot,
    "parameters": {parameter.id_: parameter.content for parameter in job.job.parameters},
    "results": {each.id_: [each.size, each.mimetype] for each in job.results},
    "label": job.job.jobinfo["label"].text,
    "sha256": hashlib.sha256(result.content).hexdigest(),
    "listed": [[each.jobid, each.phase] for each in parse_job_list(endpoint)],
}
job.delete()
found["deleted"] = requests.get(response.url).status_code
print(json.dumps(found))
