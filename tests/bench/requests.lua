-- wrk: send a fixed set of requests in turn; one line of figures at the end.
-- wrk ... -s requests.lua URL -- REQUESTS.tsv SALT STATUS PATTERN
--   URL has the base path; a line of the file is METHOD, path with query, body; SALT stands for itself in the body.
--   CHECK=1 looks at every answer (which costs the load generator time): its status, and the beginning of its body.

local requests, turn, threads = {}, 0, {}
other = 0                               -- answers that were not as wanted; global, so that done() can get it

function setup(thread)
   threads[#threads + 1] = thread
   thread:set("number", #threads - 1)
end

function init(args)
   local base = wrk.path
   for line in io.lines(args[1]) do
      local method, path, body = line:match("^(.-)\t(.-)\t(.*)$")
      body = body:gsub("SALT", args[2])
      requests[#requests + 1] = wrk.format(method, base .. path, nil, body ~= "" and body or nil)
   end
   turn = math.floor(number * #requests / 7)       -- threads do not walk side by side
   if os.getenv("CHECK") then
      local status, pattern = tonumber(args[3]), args[4]
      function response(got, _, body)
         if got ~= status or (pattern ~= "" and not body:find(pattern)) then other = other + 1 end
      end
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency)
   local e, bad = summary.errors, 0
   for _, thread in ipairs(threads) do bad = bad + thread:get("other") end
   if bad < e.status then bad = e.status end
   -- requests, seconds, p50 and p99 in ms, answers that were wrong, answers that never came
   io.write(string.format("figures %d %.6f %.3f %.3f %d %d\n", summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad, e.connect + e.read + e.write + e.timeout))
end
