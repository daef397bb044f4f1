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

site-request-submit = Hồ sơ xin vị trí đã được nộp
site-request-reject-at-intake = Hồ sơ xin vị trí không được tiếp nhận
site-request-request-supplement = Hồ sơ xin vị trí được trả lại để bổ sung
site-request-accept = Hồ sơ xin vị trí đã được tiếp nhận
site-request-check = Hồ sơ xin vị trí đã được kiểm tra
site-request-consult = Có ý kiến cần lấy về hồ sơ xin vị trí
site-request-answer = Đã có ý kiến trả lời về hồ sơ xin vị trí
site-request-assess = Hồ sơ xin vị trí đang được thẩm định
site-request-visit = Đã khảo sát thực địa cho hồ sơ xin vị trí
site-request-recommend = Đã có đề xuất về hồ sơ xin vị trí
site-request-refer = Hồ sơ xin vị trí chờ quyết định
site-request-send-back = Hồ sơ xin vị trí được trả lại để thẩm định
site-request-approve = Hồ sơ xin vị trí được chấp thuận
site-request-approve-with-conditions = Hồ sơ xin vị trí được chấp thuận có điều kiện
site-request-require-sharing = Yêu cầu dùng chung cột ăng ten cho hồ sơ xin vị trí
site-request-refuse = Hồ sơ xin vị trí bị từ chối
site-request-appeal = Việc từ chối hồ sơ xin vị trí bị khiếu nại
site-request-admit-appeal = Khiếu nại về hồ sơ xin vị trí được thụ lý
site-request-dismiss-appeal = Khiếu nại về hồ sơ xin vị trí bị bác
site-request-record-agreement = Đã ghi nhận thỏa thuận dùng chung cột ăng ten
site-request-issue-permit = Giấy phép của hồ sơ xin vị trí đã được cấp
site-request-meet-condition = Một điều kiện của chấp thuận đã được đáp ứng
site-request-notify-start = Đã thông báo khởi công
site-request-submit-as-built = Hồ sơ hoàn công đã được nộp
site-request-return-as-built = Hồ sơ hoàn công được trả lại
site-request-verify = Cột ăng ten đã xây dựng được nghiệm thu
site-request-close = Hồ sơ xin vị trí đã đóng
site-request-withdraw = Hồ sơ xin vị trí được rút
site-request-lapse = Giấy phép đã hết hiệu lực
site-request-revoke = Giấy phép bị thu hồi
site-request-pause = Thời hạn của hồ sơ xin vị trí tạm dừng
site-request-resume = Thời hạn của hồ sơ xin vị trí được tính tiếp
site-request-extend = Thời hạn của hồ sơ xin vị trí được gia hạn
site-request-lapse-consultation = Đã hết thời hạn góp ý về hồ sơ xin vị trí
site-request-escalate = Hồ sơ xin vị trí đã quá hạn
site-request-deem-approved = Hồ sơ xin vị trí quá hạn được coi là chấp thuận
site-request-remind = Đã quá hạn thực hiện điều kiện của chấp thuận

plan-begin-appraisal = Bắt đầu thẩm định quy hoạch
plan-appraise = Quy hoạch đã được thẩm định
plan-submit = Quy hoạch đã được trình phê duyệt
plan-waive = Bỏ qua một vướng mắc của vùng trong quy hoạch
plan-return = Quy hoạch bị trả lại
plan-reject = Quy hoạch không được phê duyệt
plan-approve = Quy hoạch đã được phê duyệt
plan-publish = Quy hoạch đã được công bố
plan-suspend = Quy hoạch tạm ngừng hiệu lực
plan-revoke = Quy hoạch bị bãi bỏ
plan-supersede = Quy hoạch được thay bằng bản điều chỉnh
plan-go-on = Quy hoạch tiếp tục có hiệu lực vì bản điều chỉnh đã bị bãi bỏ hoặc tạm dừng
plan-expire = Quy hoạch đã hết hiệu lực

name-receipt = Số biên nhận
name-condition = Điều kiện số
name-decision = Số quyết định
name-version = Phiên bản quy hoạch
