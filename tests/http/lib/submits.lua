-- wrk: submits of people, each from an address of its own. wrk ... -s submits.lua URL -- SALT STAMP NET
local turn, salt, stamp, net = 0, "", "", ""

local threads = 0
function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   salt, stamp, net = args[1] .. number, args[2], args[3] .. "." .. number
end

function request()
   turn = turn + 1
   local from = string.format("%s.%d.%d", net, math.floor(turn / 256) % 256, turn % 256)
   local body = string.format('{"firstName":"Ada","lastName":"Lovelace","email":"ada.%s.%d@example.com","subject":"Seats",' ..
      '"message":"We would like ten more seats for the shop in the second street, please send us an offer. %s %d",' ..
      '"formStamp":"%s","locale":"en-GB","pageUrl":"https://www.example.com/contact"}', salt, turn, salt, turn, stamp)
   return wrk.format("POST", nil, { ["Content-Type"] = "application/json", ["User-Agent"] = "Mozilla/5.0", ["X-Forwarded-For"] = from }, body)
end

function done(summary)
   local e = summary.errors
   local bad = e.status + e.connect + e.read + e.write + e.timeout
   io.write(string.format("figures %d %.6f %d\n", summary.requests, summary.duration / 1e6, bad))
end
