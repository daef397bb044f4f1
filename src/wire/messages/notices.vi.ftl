### Lời báo qua thư điện tử. Mỗi loại sự kiện có một dòng nói việc gì đã xảy ra, theo tên của nó với gạch nối; tham số là của các dòng
### dưới đây.

subject = [Clearway] { $what }: { $code }
what-happened = { $what }.
case = Hồ sơ: { $code }
number = Mục thứ { $number } của hồ sơ
jurisdiction = Địa bàn: { $jurisdiction }
state = Trạng thái: { $state }
due = Hạn: { $due }
when = Ghi nhận lúc: { $when }
detail = { $name }: { $value }
another = Có việc mới ({ $kind })
why = Bạn nhận thư này vì tài khoản của bạn muốn được báo về việc liên quan đến đơn vị mình; người quản lý tài khoản có thể thay đổi.

site-check-changed = Kết quả kiểm tra vị trí đã lưu nay sẽ khác
