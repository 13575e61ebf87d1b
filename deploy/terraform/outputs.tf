output "url" {
  value       = "https://${var.domain_name}"
  description = "Where Slack calls: put it into the app's manifest"
}

output "table" {
  value       = aws_dynamodb_table.grants.name
  description = "The table of grants"
}

output "bucket" {
  value       = aws_s3_bucket.this.bucket
  description = "Where policy/access-policy.yaml, credentials/<cluster>.json, slack/bot-token and slack/signing-secret belong"
}

output "kms_key_arn" {
  value       = aws_kms_key.this.arn
  description = "The key that everything is kept under"
}

output "log_key_arn" {
  value       = aws_kms_key.log.arn
  description = "The key that the evidence log is signed with (aws kms get-public-key)"
}

output "export" {
  value       = "s3://${aws_s3_bucket.evidence.bucket}/${var.installation}"
  description = "Where complete days of the evidence log are: dbaccess audit verify --from"
}

output "functions" {
  value       = { for key, function in aws_lambda_function.this : key => function.function_name }
  description = "The functions by verb"
}

output "network" {
  value       = { awsvpcConfiguration = { subnets = var.private_subnet_ids, securityGroups = [aws_security_group.web.id], assignPublicIp = "DISABLED" } }
  description = "Where a task runs that is started by hand (aws ecs run-task --network-configuration)"
}

output "security_groups" {
  value       = local.workers
  description = "Who comes to the databases"
}

output "settings" {
  value       = local.web_settings
  description = "What the web application is started with; of secrets only where they are"
}

output "roles" {
  value       = { web = aws_iam_role.web.arn, create-db-user = aws_iam_role.function["create-db-user"].arn, expire-db-users = aws_iam_role.function["expire-db-users"].arn }
  description = "What each part may do"
}
