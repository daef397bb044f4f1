### What is told by mail. Each type of event has the line that says what happened, by its name with hyphens; the arguments are those
### of the lines below.

subject = [Clearway] { $what }: { $code }
what-happened = { $what }.
case = Case: { $code }
number = Entry { $number } of this case
jurisdiction = Jurisdiction: { $jurisdiction }
state = State: { $state }
due = To be done by: { $due }
when = Recorded: { $when }
detail = { $name }: { $value }
another = Something happened ({ $kind })
why = You are told because your account wants mail about what concerns your organisation; whoever keeps the account can change that.

site-check-changed = A kept site check would now be answered differently

site-request-submit = A site request was submitted
site-request-reject-at-intake = A site request was rejected at intake
site-request-request-supplement = A site request was returned for supplement
site-request-accept = A site request was accepted
site-request-check = A site request was checked
site-request-consult = Somebody is asked about a site request
site-request-answer = Somebody answered about a site request
site-request-assess = A site request is being assessed
site-request-visit = Somebody was at the place of a site request
site-request-recommend = A recommendation was made about a site request
site-request-refer = A site request awaits a decision
site-request-send-back = A site request was sent back for assessment
site-request-approve = A site request was approved
site-request-approve-with-conditions = A site request was approved with conditions
site-request-require-sharing = Sharing a column was required for a site request
site-request-refuse = A site request was refused
site-request-appeal = The refusal of a site request was appealed
site-request-admit-appeal = The appeal of a site request was admitted
site-request-dismiss-appeal = The appeal of a site request was dismissed
site-request-record-agreement = The agreement on sharing a column was recorded
site-request-issue-permit = The permit of a site request was issued
site-request-meet-condition = A condition of an approval was met
site-request-notify-start = The start of building was notified
site-request-submit-as-built = The as-built dossier was submitted
site-request-return-as-built = The as-built dossier was returned
site-request-verify = A column that was built was verified
site-request-close = A site request was closed
site-request-withdraw = A site request was withdrawn
site-request-lapse = A permit has lapsed
site-request-revoke = A permit was revoked
site-request-pause = The clock of a site request stands still
site-request-resume = The clock of a site request runs again
site-request-extend = The time for a site request was extended
site-request-lapse-consultation = The time for an answer about a site request is over
site-request-escalate = A site request is overdue
site-request-deem-approved = A site request that is overdue counts as approved
site-request-remind = The day of a condition of an approval is over

plan-begin-appraisal = The appraisal of a plan began
plan-appraise = A plan was appraised
plan-submit = A plan was submitted for approval
plan-waive = What blocks a zone of a plan was set aside
plan-return = A plan was returned
plan-reject = A plan was rejected
plan-approve = A plan was approved
plan-publish = A plan was published
plan-suspend = A plan was suspended
plan-revoke = A plan was revoked
plan-supersede = A plan was superseded by its amendment
plan-go-on = A plan goes on: the amendment that was to follow it was taken back
plan-expire = A plan has expired

name-receipt = Receipt
name-condition = Condition
name-decision = Decision
name-version = Version of the plan
