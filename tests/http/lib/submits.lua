-- wrk: submits of people, each from an address of its own; with a file of proofs of work, one a line, each brings one.
-- wrk ... -s submits.lua URL -- SALT STAMP NET [PROOFS]
local turn, salt, stamp, net = 0, "", "", ""
local proofs = {}

local threads = 0
function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   salt, stamp, net = args[1] .. number, args[2], args[3] .. "." .. number
   local n = 0
   for line in args[4] and io.lines(args[4]) or function() end do
      n = n + 1
      if n % 2 == number % 2 then proofs[#proofs + 1] = line end      -- each is good once, and there are two threads
   end
end

function request()
   turn = turn + 1
   local from = string.format("%s.%d.%d", net, math.floor(turn / 256) % 256, turn % 256)
   local body = string.format('{"firstName":"Ada","lastName":"Lovelace","email":"ada.%s.%d@example.com","subject":"Seats",' ..
      '"message":"We would like ten more seats for the shop in the second street, please send us an offer. %s %d",' ..
      '"formStamp":"%s","altcha":"%s","locale":"en-GB","pageUrl":"https://www.example.com/contact"}', salt, turn, salt, turn, stamp, proofs[turn] or "")
   return wrk.format("POST", nil, { ["Content-Type"] = "application/json", ["User-Agent"] = "Mozilla/5.0", ["X-Forwarded-For"] = from }, body)
end

function done(summary)
   local e = summary.errors
   local bad = e.status + e.connect + e.read + e.write + e.timeout
   io.write(string.format("figures %d %.6f %d\n", summary.requests, summary.duration / 1e6, bad))
end
