-- wrk: POST a fixed set of inquiries in turn; one line of figures at the end.
-- wrk ... -s submit.lua URL -- BODIES.lua.  CHECK=1 looks at every answer (which costs the load generator time).

local posts, turn, threads = {}, 0, {}
other = 0                               -- answers that were not 201; global, so that done() can get it

function setup(thread)
   threads[#threads + 1] = thread
   thread:set("offset", #threads)
end

function init(args)
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   for i, body in ipairs(dofile(args[1])) do
      wrk.body = body
      posts[i] = wrk.format()
   end
   turn = offset
end

function request()
   turn = turn % #posts + 1
   return posts[turn]
end

if os.getenv("CHECK") then
   function response(status)
      if status ~= 201 then other = other + 1 end
   end
end

function done(summary, latency)
   local e, bad = summary.errors, 0
   for _, thread in ipairs(threads) do bad = bad + thread:get("other") end
   if bad < e.status then bad = e.status end
   -- requests, seconds, p50 and p99 in ms, answers that were wrong, answers that never came
   io.write(string.format("figures %d %.6f %.3f %.3f %d %d\n", summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad, e.connect + e.read + e.write + e.timeout))
end
