/**
 * Lua: the record of a delivery, one field of the hash `deliveries:<queue>` named by its position:
 * `state|place|count|epoch|due|lease|token|receipt`. States: `w` waits, `d` delayed, `l` leased, `c` completed, `b` buried, `p` purged.
 *
 * What waits lies in the list `queue:<name>` in the order of its sending, or, once it has been elsewhere (leased, delayed, buried), in the
 * sorted set `back:<name>` by its place: a claim takes from both the one that is first. `delayed:<name>` and `leased:<name>` are sorted by
 * the time at which they are due.
 */
export const records = `
local function packed(record)
  return table.concat({ record.state, text(record.place), text(record.count), text(record.epoch), text(record.due),
    text(record.lease), record.token, record.receipt }, '|')
end

local function parsed(position, value)
  if not value then return nil end
  local state, place, count, epoch, due, lease, token, receipt =
    string.match(value, '^(%a)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  return { position = position, old = value, state = state, place = tonumber(place), count = tonumber(count),
    epoch = tonumber(epoch), due = tonumber(due), lease = tonumber(lease), token = token, receipt = receipt }
end

local function recordsOf(queue, positions)
  local values = readMany('HMGET', prefix .. 'deliveries:' .. queue, positions)
  local found = {}
  for index = 1, #positions do found[index] = parsed(positions[index], values[index]) or false end
  return found
end

-- the record of one envelope in one queue, nil where there is none
local function recordOf(queue, id)
  local position = redis.call('HGET', prefix .. 'ids', id)
  if not position then return nil end
  return recordsOf(queue, { position })[1] or nil
end

-- what makes, out of each of \`records\`, two arguments
local function pairsOf(records, first, second)
  return function()
    local list = {}
    for index = 1, #records do
      list[2 * index - 1], list[2 * index] = records[index][first], records[index][second]
    end
    return list
  end
end

-- writes the records; one that brings its new text along is not packed
local function keep(queue, changed)
  local values = {}
  for index = 1, #changed do
    local record = changed[index]
    values[2 * index - 1], values[2 * index] = record.position, record.new or packed(record)
  end
  write('HSET', prefix .. 'deliveries:' .. queue, values, 'HSET', pairsOf(changed, 'position', 'old'))
end

-- takes what had been leased from where it lies: among the leased, or, when its lease has lapsed, among what came back
local function lift(queue, records)
  local leased, due, back, places = {}, {}, {}, {}
  for _, record in ipairs(records) do
    if record.state == 'l' then
      leased[#leased + 1] = record.position
      push(due, type(record.due) == 'string' and record.due or text(record.due), record.position)
    else
      push(back, padded(record.position))
      push(places, text(record.place), padded(record.position))
    end
  end
  write('ZREM', prefix .. 'leased:' .. queue, leased, 'ZADD', due)
  write('ZREM', prefix .. 'back:' .. queue, back, 'ZADD', places)
end

local function isHeld(record, token)
  return record and record.token == token and token ~= ''
end

local function isEnded(record)
  return record.state == 'c' or record.state == 'b' or record.state == 'p'
end

-- an entry of the ledger: its head is \`id|digest|seq|at|stream\`
local function headOf(id, digest, seq, at, stream)
  return table.concat({ id, digest, seq, at, stream }, '|')
end

local function shaped(found)
  return { position = string.sub(found[1], 1, -3), head = found[2][2], json = found[2][4] }
end

-- with what its head tells
local function opened(entry)
  entry.id, entry.digest, entry.seq, entry.at, entry.stream = string.match(entry.head, '^([^|]*)|([^|]*)|(%d+)|(%d+)|(.*)$')
  return entry
end

local function entryAt(position)
  local found = redis.call('XRANGE', ledger, position, position)[1]
  return found and shaped(found) or nil
end

local function pushEntry(reply, entry)
  push(reply, entry.position, entry.head, entry.json)
end
`;
