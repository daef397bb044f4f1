### What site checks say. Each key has its sentence here; the arguments are named in domain/site_check/message.rs.

hidden = Something here is not yours to see ({ $sources }): ask the office.
no-data = No data covers this place ({ $sources }), so nothing found says nothing.
no-rule = The rule pack has no { $key }, so there is nothing to hold this against.
rule-not-in-force = The rule pack states { $key }, but not for this day, so there is nothing to hold this against.
no-column = It is no antenna column.
outside = The place lies in no jurisdiction, so nobody looked.

geo-inside = The place lies in the jurisdiction.
geo-outside = The place lies outside every jurisdiction.
geo-outside-swapped = The place lies outside every jurisdiction; with the axes swapped it lies in { $jurisdiction }.
geo-outside-system = The place lies outside every jurisdiction; in another system the numbers fit { $jurisdiction }: { $systems }.
geo-boundary = The boundary is { $distance } m away, nearer than the position is known ({ $accuracy } m): survey it.

zon-admitted = Zone { $zone } admits it.
zon-shared = Zone { $zone } admits it; columns in it are shared.
zon-outside = The place lies in no zone in force: the office decides.
zon-edge = The edge of zone { $zone } is nearer than the position is known: survey it.
zon-class = Zone { $zone } admits { $classes }, not { $class }.
zon-class-not-stated = Zone { $zone } admits { $classes }; state the class of the column.
zon-height = { $height } m is more than the { $limit } m that zone { $zone } admits.
zon-quota = Zone { $zone } is full: it admits { $quota } columns, and with those that are permitted it holds { $columns }.
zon-quota-unsure = By positions as badly known as these zone { $zone } may be full: it admits { $quota } columns, and with those that are permitted it may hold { $columns }: survey those at its edge.
zon-overlaps = It overlaps the zone { $zone }, which is in force.
zon-alone = It overlaps no zone in force.
zon-only-a1 = Only columns of class A1 stand within { $limit } m of { $feature }, which is { $distance } m away.
zon-only-a1-not-stated = Only columns of class A1 stand within { $limit } m of { $feature }, which is { $distance } m away; state the class.

cor-clear-area = No corridor meets the zone.
cor-clear = It stands in no corridor, and falls on none.
cor-blocked = It stands in the way of corridor { $corridor }, which is in force, or within the { $clearance } m to be kept free beside it.
cor-announced = It stands in the way of corridor { $corridor }, which is not in force, or within the { $clearance } m to be kept free beside it.
cor-beside = It stands on { $feature }, or within the { $clearance } m to be kept free beside it.
cor-clearance-unknown = Nobody says what has to stay free beside { $feature }, which is { $distance } m away.
cor-falls = If it falls ({ $fall } m), it reaches { $feature }, { $distance } m away.
cor-unsure = { $feature } is too close to tell from a position as badly known as this: survey it.
cor-width-not-in-force = { $feature } states no width, and the rule of how wide it is at most, { $key }, is not in force on this day: survey it.

spc-zone = Columns that stand in the zone, or are permitted: { $columns }.
spc-zone-full = Columns that stand in the zone, or are permitted: { $columns }, of { $quota } that it is to admit.
spc-free = No other column stands within { $limit } m.
spc-share = Columns within { $limit } m: { $count }; share one of them ({ $with_capacity }).
spc-share-full = Columns within { $limit } m: { $count }; none is known to have places left: ask their owners to share one.
spc-unsure = Column { $feature } is too close to { $limit } m to tell from positions as badly known as these: survey it.
spc-too-far = Zone { $zone } asks for { $limit } m between columns; they were looked for within { $looked } m alone.

air-clear = It needs no marking, and stays below every obstacle surface.
air-zone = The obstacle surfaces of { $runway }, { $distance } m away, may lie over the zone: each site is held against them.
air-marking = At { $height } m it needs marking and consent to its height (from { $limit } m).
air-penetrates = Its top at { $top } m above the sea is above the { $surface } surface of { $runway }, at { $limit } m here.
air-unsure = Its top at { $top } m above the sea is too close to the { $surface } surface of { $runway }, at { $limit } m here: survey it.
air-no-ground = It stands under the { $surface } surface of { $runway }: state the ground above the sea.
air-no-elevation = It stands under the surfaces of { $runway }, whose elevation is not known.
air-no-line = Surfaces of { $runway } may lie here, and where cannot be told: it is not drawn as a straight line from one threshold to the other.

emf-no-antennas = What it is to be has no antennas.
emf-not-stated = Its antennas are not stated.
emf-below = Nobody near is exposed to more than { $density } W/m². Compliance distance of the strongest antenna: { $distance } m in front, { $side } m beside and behind, { $below } m below; of all together { $summed } m.
emf-above = At { $building } there may be { $density } W/m², more than { $limit } W/m². Compliance distance of the strongest antenna: { $distance } m in front, { $side } m beside and behind, { $below } m below; of all together { $summed } m.
emf-unsure = By positions and heights as badly known as these the limit may be exceeded: survey it. Compliance distance of the strongest antenna: { $distance } m in front, { $side } m beside and behind, { $below } m below; of all together { $summed } m.
emf-frequency = The limit holds from { $from } to { $to } MHz; an antenna radiates at { $frequency } MHz.

her-free = No heritage near.
her-inside = It stands in the monument { $feature }.
her-near = Heritage { $feature } is { $distance } m away.
her-unsure = { $feature } is too close to tell from a position as badly known as this: survey it.

def-free = Nothing to ask.
def-consult = Consult the military.

sen-free = No school and no hospital near.
sen-near = { $feature } is { $distance } m away.
sen-unsure = { $feature } is too close to tell from a position as badly known as this: survey it.

dup-free = The carrier has asked for nothing so near.
dup-nobody = Nobody is named who asks.
dup-found = { $feature } of the same carrier is { $distance } m away.
dup-unsure = { $feature } of the same carrier is too close to tell: survey it.

tim-free = No freeze window.
tim-frozen = { $window }: nothing is built here until { $until }.
tim-frozen-open = { $window }: nothing is built here, and no last day is stated.
tim-running = { $window } is running; state the days of building.
tim-edge = The edge of { $window } is nearer than the position is known: survey it.

cov-full = Data of all that is looked at cover this place.
cov-gaps = Not covered here: { $sources }.

word-works = works
word-corridors = corridors
word-boundary = boundaries
word-heritage = heritage
word-monument = monuments
word-government-front = fronts of government buildings
word-school = schools
word-hospital = hospitals
word-runway = runways
word-road = roads
word-power-line = power lines
word-defence-area = defence areas
word-urban-area = urban areas
word-building = buildings
word-transmitter = transmitters
word-zone = zones
word-freeze-window = freeze windows
word-site-request = site requests
word-other = others
word-strip = strip
word-approach = approach
word-transitional = transitional
word-inner-horizontal = inner horizontal
word-conical = conical
