# Each permission is used by something: tests/Deploy.Tests compares actions and resources of each role with the calls in the source. It reads this file
# itself, so a statement names its resources here, in words that it knows.

data "aws_iam_policy_document" "assume" {
  for_each = toset(["ecs-tasks", "lambda"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.value}.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

# What both sides do: work on the table, read policy, administrator credentials and the bot token.
data "aws_iam_policy_document" "work" {
  statement {
    sid = "Table"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:DescribeTable",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      # Once, at the upgrade to the evidence log: what earlier versions kept is carried over.
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ]
    resources = local.tables
  }
  statement {
    # What happened is added to and nothing else. An event that is put over another has another hash than was signed; that much IAM cannot tell.
    sid       = "EventsStay"
    effect    = "Deny"
    actions   = ["dynamodb:DeleteItem", "dynamodb:UpdateItem"]
    resources = local.tables
    condition {
      test     = "ForAnyValue:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["AUDIT", "JOURNAL#*", "TEXT"]
    }
  }
  statement {
    # Only the lease beside the batches is written over.
    sid       = "BatchesStay"
    effect    = "Deny"
    actions   = ["dynamodb:DeleteItem"]
    resources = local.tables
    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["LOG"]
    }
  }
  statement {
    sid       = "Indexes"
    actions   = ["dynamodb:Query", "dynamodb:Scan"]
    resources = local.all_indexes
  }
  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.this.arn}/credentials/*", "${aws_s3_bucket.this.arn}/policy/*", "${aws_s3_bucket.this.arn}/slack/bot-token", "${aws_s3_bucket.this.arn}/seal/key"]
  }
  statement {
    # Without it AWS answers "denied" for a file that is missing, and nobody could tell the two apart. Without a condition on
    # s3:prefix: a question for an object names none, so such a condition never holds for it. What can be listed are names, no content.
    sid       = "MissingObjects"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.this.arn, aws_s3_bucket.evidence.arn]
  }
  statement {
    sid       = "LogKey"
    actions   = ["kms:GetPublicKey", "kms:Sign"]
    resources = [aws_kms_key.log.arn]
  }
  statement {
    # Nobody of ours deletes there, or reads what is not an export; a file that is there already is read to be compared.
    sid       = "Exports"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.evidence.arn}/${var.installation}/*"]
  }
  # Through DynamoDB and S3 only: the key itself is of no use to the product.
  statement {
    sid       = "KeyOfTheTable"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["dynamodb.${local.region}.amazonaws.com"]
    }
  }
  statement {
    sid       = "KeyOfTheBucket"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }
}

# The web application

resource "aws_iam_role" "web" {
  name               = "${var.name}-web"
  assume_role_policy = data.aws_iam_policy_document.assume["ecs-tasks"].json
  tags               = local.tags
}

data "aws_iam_policy_document" "web" {
  source_policy_documents = [data.aws_iam_policy_document.work.json]
  statement {
    # Requests that were carried out leave the inbox; the functions have none.
    sid       = "Inbox"
    actions   = ["dynamodb:DeleteItem"]
    resources = local.tables
  }
  statement {
    # Only who is called by Slack checks signatures. A second one is there while one is being changed.
    sid       = "SigningSecret"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.this.arn}/slack/signing-secret*"]
  }
  statement {
    # Made by the first start; whoever files requests seals them.
    sid       = "SealKey"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.this.arn}/seal/key"]
  }
  statement {
    sid       = "KeyForTheSealKey"
    actions   = ["kms:GenerateDataKey*"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "web" {
  name   = "work"
  role   = aws_iam_role.web.id
  policy = data.aws_iam_policy_document.web.json
}

data "aws_iam_policy_document" "invoke" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.functions["create-db-user"]}"]
  }
}

resource "aws_iam_role_policy" "web_invoke" {
  count  = var.provisioning == "Lambda" ? 1 : 0
  name   = "invoke"
  role   = aws_iam_role.web.id
  policy = data.aws_iam_policy_document.invoke.json
}

# What ECS needs to start a copy: image and log. The application never has this role.
resource "aws_iam_role" "start" {
  name               = "${var.name}-start"
  assume_role_policy = data.aws_iam_policy_document.assume["ecs-tasks"].json
  tags               = local.tags
}

data "aws_iam_policy_document" "start" {
  statement {
    # It takes no resource.
    sid       = "Registry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    sid       = "Image"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [local.repository_arn]
  }
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.web.arn}:*"]
  }
}

locals {
  # account.dkr.ecr.region.amazonaws.com/repository@sha256:…
  image          = regex("^(?P<account>[0-9]{12})[.]dkr[.]ecr[.](?P<region>[a-z0-9-]+)[.][a-z.]+/(?P<repository>[^@]+)@", var.image_uri)
  repository_arn = "arn:${local.partition}:ecr:${local.image.region}:${local.image.account}:repository/${local.image.repository}"
}

resource "aws_iam_role_policy" "start" {
  name   = "start"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}

# The functions

resource "aws_iam_role" "function" {
  for_each           = local.functions
  name               = each.value
  assume_role_policy = data.aws_iam_policy_document.assume["lambda"].json
  tags               = local.tags
}

data "aws_iam_policy_document" "function" {
  for_each                = local.functions
  source_policy_documents = [data.aws_iam_policy_document.work.json]
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }
  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead[each.key].arn]
  }
  statement {
    sid       = "Environment"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
      values   = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${each.value}"]
    }
  }
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions
  name     = "work"
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.function[each.key].json
}

# Lambda makes the network interfaces with the function's role. These actions take no resource; the second statement keeps the function itself,
# once it runs, from using what only Lambda needs.
data "aws_iam_policy_document" "function_network" {
  for_each = local.functions
  statement {
    sid = "Interfaces"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }
  statement {
    sid       = "NotByTheFunction"
    effect    = "Deny"
    actions   = ["ec2:*"]
    resources = ["*"]
    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${each.value}"]
    }
  }
}

resource "aws_iam_role_policy" "function_network" {
  for_each = local.functions
  name     = "network"
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.function_network[each.key].json
}

# The key of the seals, where it lies in KMS (seal.tf): who files, gives and prolongs asks for it when it starts.

data "aws_iam_policy_document" "seal" {
  count = var.seal_key == "kms" ? 1 : 0
  statement {
    sid       = "SealKeyInKms"
    actions   = ["kms:GenerateMac"]
    resources = [aws_kms_key.seal[0].arn]
  }
}

resource "aws_iam_role_policy" "web_seal" {
  count  = var.seal_key == "kms" ? 1 : 0
  name   = "seal"
  role   = aws_iam_role.web.id
  policy = data.aws_iam_policy_document.seal[0].json
}

resource "aws_iam_role_policy" "function_seal" {
  for_each = var.seal_key == "kms" ? local.functions : {}
  name     = "seal"
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.seal[0].json
}
