# Events that could not be handled even when tried again. Losing one loses nothing but time, since the work is on record as due; but a message
# here means that something is wrong.
resource "aws_sqs_queue" "dead" {
  for_each                  = merge(local.functions, { schedule = "${var.name}-schedule" })
  name                      = "${each.value}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "schedule" {
  queue_url = aws_sqs_queue.dead["schedule"].id
  policy    = data.aws_iam_policy_document.schedule_queue.json
}

data "aws_iam_policy_document" "schedule_queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead["schedule"].arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.sweep.arn]
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = local.tags
}

data "aws_secretsmanager_secret_version" "slack" {
  secret_id = var.slack_secret_arn
}

resource "aws_lambda_function" "this" {
  for_each                       = local.functions
  function_name                  = each.value
  description                    = "DbAccess: lambda ${each.key}"
  role                           = aws_iam_role.function[each.key].arn
  architectures                  = [var.function_architecture]
  memory_size                    = var.function_memory
  timeout                        = each.key == "create-db-user" ? var.create_timeout : var.expire_timeout
  reserved_concurrent_executions = each.key == "create-db-user" ? var.create_concurrency : 2
  kms_key_arn                    = aws_kms_key.this.arn
  tags                           = local.tags

  package_type     = var.function_package == null ? "Image" : "Zip"
  image_uri        = var.function_package == null ? var.image_uri : null
  filename         = try(var.function_package.filename, null)
  source_code_hash = try(filebase64sha256(var.function_package.filename), null)
  runtime          = try(var.function_package.runtime, null)
  handler          = var.function_package == null ? null : each.key

  dynamic "image_config" {
    for_each = var.function_package == null ? [1] : []
    content {
      command = ["lambda", each.key]
    }
  }

  environment {
    # A function's environment is all that it is started with: the token is in it, encrypted with our key, and in Terraform's state.
    variables = merge(local.settings, { Slack__BotToken = jsondecode(data.aws_secretsmanager_secret_version.slack.secret_string)["bot_token"] })
  }

  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [aws_security_group.functions.id]
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function, aws_iam_role_policy.function_network]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each      = local.functions
  function_name = aws_lambda_function.this[each.key].function_name
  # An event that has waited this long is worth nothing: the sweep has been there since.
  maximum_event_age_in_seconds = 600
  maximum_retry_attempts       = each.key == "create-db-user" ? 2 : 0
  # A destination instead of the function's dead_letter_config: the message then says what the error was.
  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead[each.key].arn
    }
  }
}

resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "DbAccess: everything that is due, every ${var.sweep_minutes} minutes"
  schedule_expression = "rate(${var.sweep_minutes} minutes)"
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule      = aws_cloudwatch_event_rule.sweep.name
  target_id = "expire-db-users"
  arn       = aws_lambda_function.this["expire-db-users"].arn
  retry_policy {
    # The next one comes anyway.
    maximum_event_age_in_seconds = 60 * var.sweep_minutes
    maximum_retry_attempts       = 2
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead["schedule"].arn
  }
}

resource "aws_lambda_permission" "sweep" {
  statement_id  = "sweep"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this["expire-db-users"].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep.arn
}
