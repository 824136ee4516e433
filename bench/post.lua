-- For wrk: POST what is in the file $BODY, of media type $TYPE, and print the figures as JSON.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = os.getenv("TYPE")
file:close()

function done(summary, latency, requests)
	local errors = summary.errors
	print(string.format('{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"bad_answers":%d,"broken":%d}',
		summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
		errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
