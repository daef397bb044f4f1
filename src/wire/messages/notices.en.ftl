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
