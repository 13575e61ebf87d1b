# Metrics are read from lines of the log: no permission and no call is needed for them. tests/Deploy.Tests writes these lines with the product's own log
# and looks for each field.
locals {
  namespace = "DbAccess/${var.installation}"
  log_filters = {
    SweepDone = { log = "expire-db-users", pattern = "{ $.CutShort IS FALSE }", value = "1" }
    # The state of the record, with each sweep: it counts whoever took the steps, and whatever was put off.
    QuarantinedGrants = { log = "expire-db-users", pattern = "{ $.QuarantinedGrants >= 0 }", value = "$.QuarantinedGrants" }
    LatenessSeconds   = { log = "expire-db-users", pattern = "{ $.LatenessSeconds >= 0 }", value = "$.LatenessSeconds" }
    # Left out of every list, so neither late nor anything else.
    UnreadableGrants = { log = "expire-db-users", pattern = "{ $.UnreadableGrants >= 0 }", value = "$.UnreadableGrants" }
    # After each sweep: clusters that could not be compared with the record, or not be mended.
    ReconcileFailed = { log = "expire-db-users", pattern = "{ $.ReconcileFailed >= 0 }", value = "$.ReconcileFailed" }
    # With each sweep: is what is on the evidence log what was signed, and how long has something recorded waited for its place?
    EvidenceTampered      = { log = "expire-db-users", pattern = "{ $.EvidenceTampered >= 0 }", value = "$.EvidenceTampered" }
    EvidenceBehindSeconds = { log = "expire-db-users", pattern = "{ $.EvidenceBehindSeconds >= 0 }", value = "$.EvidenceBehindSeconds" }
    # Each copy looks at all of it in turn, every minute, which a function that is made anew never comes to; it says only what is wrong.
    EvidenceTamperedSeen = { log = "web", pattern = "{ $.EvidenceTampered > 0 }", value = "1" }
    # Said by each copy every two minutes, as long as it is so: whether the policy there is faulty, and since when nobody can say what is there.
    PolicyRejected          = { log = "web", pattern = "{ $.PolicyFaults > 0 }", value = "1" }
    PolicyUnreadableSeconds = { log = "web", pattern = "{ $.PolicyUnreadableSeconds >= 0 }", value = "$.PolicyUnreadableSeconds" }
  }
  logs = {
    expire-db-users = aws_cloudwatch_log_group.function["expire-db-users"].name
    web             = aws_cloudwatch_log_group.web.name
  }

  web_targets = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.web.arn_suffix }
  # The table itself is the empty name.
  throttles = { for pair in setproduct(["Read", "Write"], concat([""], keys(local.indexes))) : join("-", compact(["table", pair[1], lower(pair[0]), "throttles"])) => { metric = "${pair[0]}ThrottleEvents", index = pair[1] } }

  alarms = merge(
    {
      sweep-late = {
        description = "No sweep was completed for three intervals: access may be running over its end"
        namespace   = local.namespace, metric = "SweepDone", statistic = "Sum", dimensions = {}, comparison = "LessThanThreshold", threshold = 1
        # Silence is the fault here.
        missing = "breaching", period = 60 * var.sweep_minutes, periods = 3
      }
      overdue = {
        description = "Something has waited for more than a minute, at two sweeps in a row: somebody may still have access, or waits for it. The log of the functions says why"
        # Between two sweeps nothing is known; silence is the alarm above.
        namespace = local.namespace, metric = "LatenessSeconds", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 60
        missing   = "ignore", period = 60 * var.sweep_minutes, periods = 2
      }
      quarantined = {
        description = "Grants are locked out but cannot be cleaned up: `/db-access list` names them and what holds them"
        namespace   = local.namespace, metric = "QuarantinedGrants", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "ignore", period = 60 * var.sweep_minutes, periods = 1
      }
      unreadable = {
        description = "Grants on record cannot be read and are not ended by the functions: of a newer version, or damaged. The log of expire-db-users names them"
        namespace   = local.namespace, metric = "UnreadableGrants", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "ignore", period = 60 * var.sweep_minutes, periods = 1
      }
      reconcile-failed = {
        # The full comparison is once an hour only: one that fails has to be seen by itself.
        description = "Clusters could not be compared with the record, or what was found there could not be mended: a role that nobody knows may be there. The log of expire-db-users says why"
        namespace   = local.namespace, metric = "ReconcileFailed", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "ignore", period = 60 * var.sweep_minutes, periods = 1
      }
      evidence-tampered = {
        description = "The evidence log is not what was signed, or something was put there: who can write to the table? `dbaccess audit verify` and the log of expire-db-users say more"
        namespace   = local.namespace, metric = "EvidenceTampered", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "ignore", period = 60 * var.sweep_minutes, periods = 1
      }
      evidence-tampered-seen = {
        description = "A copy of the web application found that the evidence log is not what was signed: who can write to the table? `dbaccess audit verify` and its log say more"
        namespace   = local.namespace, metric = "EvidenceTamperedSeen", statistic = "Sum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 300, periods = 1
      }
      evidence-stopped = {
        description = "What happened has waited for a quarter of an hour for its place in the evidence log, and nothing is signed: the key, or its end was edited. The log of expire-db-users says why"
        namespace   = local.namespace, metric = "EvidenceBehindSeconds", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 900
        missing     = "ignore", period = 60 * var.sweep_minutes, periods = 1
      }
      policy-rejected = {
        description = "The policy file was changed and cannot be used; the one before stays in force. The log of the web application names the faults"
        namespace   = local.namespace, metric = "PolicyRejected", statistic = "Sum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 300, periods = 1
      }
      policy-unreadable = {
        description = "The policy file could not be read for a quarter of an hour; the one before stays in force. The log of the web application says why"
        namespace   = local.namespace, metric = "PolicyUnreadableSeconds", statistic = "Maximum", dimensions = {}, comparison = "GreaterThanThreshold", threshold = 900
        missing     = "notBreaching", period = 300, periods = 1
      }
      unhealthy = {
        description = "Copies of the web application do not answer"
        namespace   = "AWS/ApplicationELB", metric = "UnHealthyHostCount", statistic = "Maximum", dimensions = local.web_targets, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 60, periods = 5
      }
    },
    { for key, wanted in { gone = var.web_tasks > 0 } : key => {
      description               = "No copy of the web application answers: nobody can ask for access or give it back"
      # A target group without any target has no figure at all.
      namespace = "AWS/ApplicationELB", metric = "HealthyHostCount", statistic = "Maximum", dimensions = local.web_targets, comparison = "LessThanThreshold", threshold = 1
      missing   = "breaching", period = 60, periods = 3
    } if wanted },
    { for key, throttle in local.throttles : key => {
      description = "DynamoDB turns requests to ${throttle.index == "" ? "the table" : "its index ${throttle.index}"} away: they are tried again, and everything takes longer"
      namespace   = "AWS/DynamoDB", metric = throttle.metric, statistic = "Sum", comparison = "GreaterThanThreshold", threshold = 0
      dimensions  = merge({ TableName = aws_dynamodb_table.grants.name }, throttle.index == "" ? {} : { GlobalSecondaryIndexName = throttle.index })
      missing     = "notBreaching", period = 300, periods = 1
    } },
    merge([for key, name in local.functions : {
      "${key}-errors" = {
        description = "${key} failed: its log says why; what it was to do is due still"
        namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum", dimensions = { FunctionName = name }, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 300, periods = 1
      }
      "${key}-throttles" = {
        description = "${key} is invoked more often than it may run at once"
        namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum", dimensions = { FunctionName = name }, comparison = "GreaterThanThreshold", threshold = 0
        missing     = "notBreaching", period = 300, periods = 2
      }
    }]...),
    { for key, queue in aws_sqs_queue.dead : "${key}-dead" => {
      description = "Events that were given up on are in ${queue.name}"
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", dimensions = { QueueName = queue.name }, comparison = "GreaterThanThreshold", threshold = 0
      missing     = "notBreaching", period = 300, periods = 1
    } }
  )
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each       = local.log_filters
  name           = each.key
  log_group_name = local.logs[each.value.log]
  pattern        = each.value.pattern
  metric_transformation {
    namespace = local.namespace
    name      = each.key
    value     = each.value.value
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}
