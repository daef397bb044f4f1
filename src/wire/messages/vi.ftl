### Lời của các bước kiểm tra vị trí. Mỗi khóa có một câu ở đây; tham số được nêu trong domain/site_check/message.rs.

hidden = Có đối tượng ở đây bạn không được xem ({ $sources }): hãy hỏi Sở.
no-data = Không có dữ liệu cho vị trí này ({ $sources }), nên không tìm thấy gì không có nghĩa là không có.
no-rule = Bộ quy tắc không có { $key }, nên không có gì để đối chiếu.
rule-not-in-force = Bộ quy tắc có { $key }, nhưng không áp dụng cho ngày này, nên không có gì để đối chiếu.
no-column = Không phải cột ăng ten.
outside = Vị trí không thuộc địa bàn nào, nên chưa ai kiểm tra.

geo-inside = Vị trí nằm trong địa bàn.
geo-outside = Vị trí nằm ngoài mọi địa bàn.
geo-outside-swapped = Vị trí nằm ngoài mọi địa bàn; nếu đổi chỗ hai tọa độ thì nằm trong { $jurisdiction }.
geo-outside-system = Vị trí nằm ngoài mọi địa bàn; trong hệ tọa độ khác các số này khớp với { $jurisdiction }: { $systems }.
geo-boundary = Ranh giới cách { $distance } m, gần hơn độ chính xác của vị trí ({ $accuracy } m): cần đo đạc.

zon-admitted = Khu vực { $zone } cho phép.
zon-shared = Khu vực { $zone } cho phép; cột trong khu vực phải dùng chung.
zon-outside = Vị trí không thuộc khu vực xây dựng trạm BTS nào đang có hiệu lực: Sở quyết định.
zon-edge = Ranh giới khu vực { $zone } gần hơn độ chính xác của vị trí: cần đo đạc.
zon-class = Khu vực { $zone } cho phép loại { $classes }, không cho phép { $class }.
zon-class-not-stated = Khu vực { $zone } cho phép loại { $classes }; hãy nêu loại cột.
zon-height = { $height } m vượt quá { $limit } m mà khu vực { $zone } cho phép.
zon-quota = Khu vực { $zone } đã có { $columns } cột kể cả cột đã được cấp phép, chỉ cho phép { $quota }.
zon-quota-unsure = Với vị trí chưa chính xác, khu vực { $zone } có thể đã đủ: chỉ cho phép { $quota } cột, có thể đã có { $columns } cột kể cả cột đã được cấp phép: cần đo đạc các cột ở ranh giới.
zon-overlaps = Khu vực chồng lấn khu vực { $zone } đang có hiệu lực.
zon-alone = Khu vực không chồng lấn khu vực nào đang có hiệu lực.
zon-only-a1 = Trong phạm vi { $limit } m quanh { $feature } chỉ được xây cột loại A1; vị trí cách { $distance } m.
zon-only-a1-not-stated = Trong phạm vi { $limit } m quanh { $feature } chỉ được xây cột loại A1; vị trí cách { $distance } m; hãy nêu loại cột.

cor-clear-area = Không có hành lang nào chạm tới khu vực.
cor-clear = Không nằm trong hành lang nào, khi đổ không chạm hành lang nào.
cor-blocked = Vướng hành lang { $corridor } đang có hiệu lực, hoặc nằm trong { $clearance } m phải để trống bên cạnh.
cor-announced = Vướng hành lang { $corridor } chưa có hiệu lực, hoặc nằm trong { $clearance } m phải để trống bên cạnh.
cor-beside = Nằm trên { $feature }, hoặc nằm trong { $clearance } m phải để trống bên cạnh.
cor-clearance-unknown = Chưa rõ khoảng cách phải để trống bên cạnh { $feature }, cách { $distance } m.
cor-falls = Nếu đổ ({ $fall } m), cột chạm { $feature }, cách { $distance } m.
cor-unsure = { $feature } quá gần để kết luận với độ chính xác của vị trí này: cần đo đạc.
cor-width-not-in-force = { $feature } không ghi bề rộng, và quy tắc về bề rộng tối đa, { $key }, không áp dụng cho ngày này: cần đo đạc.

spc-zone = Số cột hiện có hoặc đã được cấp phép trong khu vực: { $columns }.
spc-zone-full = Số cột hiện có hoặc đã được cấp phép trong khu vực: { $columns }, trong khi khu vực chỉ cho phép { $quota }.
spc-free = Không có cột nào khác trong phạm vi { $limit } m.
spc-share = Có { $count } cột trong phạm vi { $limit } m: dùng chung một trong các cột đó ({ $with_capacity }).
spc-share-full = Có { $count } cột trong phạm vi { $limit } m; chưa biết cột nào còn chỗ: hỏi chủ sở hữu để dùng chung một trong các cột đó.
spc-unsure = Cột { $feature } quá gần mức { $limit } m để kết luận với độ chính xác của các vị trí này: cần đo đạc.
spc-too-far = Khu vực { $zone } yêu cầu { $limit } m giữa các cột; mới chỉ tìm trong phạm vi { $looked } m.

air-clear = Không cần sơn, đèn cảnh báo; thấp hơn mọi bề mặt giới hạn chướng ngại vật.
air-zone = Bề mặt giới hạn chướng ngại vật của { $runway }, cách { $distance } m, có thể phủ lên khu vực: từng vị trí sẽ được đối chiếu.
air-marking = Cao { $height } m phải sơn, lắp đèn cảnh báo và được chấp thuận độ cao (từ { $limit } m).
air-penetrates = Đỉnh cột ở { $top } m so với mực nước biển vượt bề mặt { $surface } của { $runway }, tại đây là { $limit } m.
air-unsure = Đỉnh cột ở { $top } m so với mực nước biển quá gần bề mặt { $surface } của { $runway }, tại đây là { $limit } m: cần đo đạc.
air-no-ground = Nằm dưới bề mặt { $surface } của { $runway }: hãy nêu cao độ mặt đất.
air-no-elevation = Nằm dưới các bề mặt của { $runway }, chưa biết cao độ.
air-no-line = Có thể nằm dưới các bề mặt của { $runway }, nhưng không xác định được: đường băng này không được vẽ thành đoạn thẳng nối hai ngưỡng.

emf-no-antennas = Công trình này không có ăng ten.
emf-not-stated = Chưa nêu các ăng ten.
emf-below = Không ai ở gần bị phơi nhiễm quá { $density } W/m². Khoảng cách an toàn của ăng ten mạnh nhất: phía trước { $distance } m, hai bên và phía sau { $side } m, phía dưới { $below } m; tính gộp tất cả { $summed } m.
emf-above = Tại { $building } có thể có { $density } W/m², vượt quá { $limit } W/m². Khoảng cách an toàn của ăng ten mạnh nhất: phía trước { $distance } m, hai bên và phía sau { $side } m, phía dưới { $below } m; tính gộp tất cả { $summed } m.
emf-unsure = Với vị trí và độ cao chưa chính xác, mức phơi nhiễm có thể bị vượt: cần đo đạc. Khoảng cách an toàn của ăng ten mạnh nhất: phía trước { $distance } m, hai bên và phía sau { $side } m, phía dưới { $below } m; tính gộp tất cả { $summed } m.
emf-frequency = Giới hạn áp dụng từ { $from } đến { $to } MHz; có ăng ten phát ở { $frequency } MHz.

her-free = Không có di tích, di sản ở gần.
her-inside = Nằm trong di tích { $feature }.
her-near = Di tích, di sản { $feature } cách { $distance } m.
her-unsure = { $feature } quá gần để kết luận với độ chính xác của vị trí này: cần đo đạc.

def-free = Không phải hỏi.
def-consult = Phải lấy ý kiến cơ quan quân sự.

sen-free = Không có trường học, bệnh viện ở gần.
sen-near = { $feature } cách { $distance } m.
sen-unsure = { $feature } quá gần để kết luận với độ chính xác của vị trí này: cần đo đạc.

dup-free = Doanh nghiệp chưa xin vị trí nào gần như vậy.
dup-nobody = Chưa nêu doanh nghiệp xin.
dup-found = { $feature } của cùng doanh nghiệp cách { $distance } m.
dup-unsure = { $feature } của cùng doanh nghiệp quá gần để kết luận: cần đo đạc.

tim-free = Không vướng thời gian bảo đảm thông tin liên lạc.
tim-frozen = { $window }: không xây dựng ở đây đến hết { $until }.
tim-frozen-open = { $window }: không xây dựng ở đây, chưa có ngày kết thúc.
tim-running = { $window } đang diễn ra; hãy nêu ngày xây dựng.
tim-edge = Ranh giới của { $window } gần hơn độ chính xác của vị trí: cần đo đạc.

cov-full = Dữ liệu của mọi lớp được xét đều bao phủ vị trí này.
cov-gaps = Chưa có dữ liệu ở đây: { $sources }.

word-works = công trình viễn thông
word-corridors = hành lang
word-boundary = ranh giới hành chính
word-heritage = di sản
word-monument = di tích
word-government-front = mặt tiền cơ quan nhà nước
word-school = trường học
word-hospital = bệnh viện
word-runway = đường cất hạ cánh
word-road = đường bộ
word-power-line = đường dây điện
word-defence-area = khu vực quân sự
word-urban-area = khu vực đô thị
word-building = nhà
word-transmitter = máy phát
word-zone = khu vực xây dựng trạm BTS
word-freeze-window = thời gian bảo đảm thông tin
word-site-request = hồ sơ xin vị trí
word-other = khác
word-strip = dải bảo hiểm
word-approach = tiếp cận
word-transitional = chuyển tiếp
word-inner-horizontal = ngang trong
word-conical = hình nón
