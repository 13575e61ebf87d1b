# One key for what the product keeps: grants, administrator credentials, logs, the functions' environment.
resource "aws_kms_key" "this" {
  description             = "DbAccess ${var.installation}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
  tags                    = local.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

# Who may use a key is decided by roles (roles.tf), as for everything else here.
data "aws_iam_policy_document" "account" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

data "aws_iam_policy_document" "key" {
  source_policy_documents = [data.aws_iam_policy_document.account.json]

  # Whatever others' roles allow, what is in the bucket is opened for the product and for those whom you name.
  statement {
    sid       = "BucketForTheProductAlone"
    effect    = "Deny"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = concat(local.product_roles, var.secret_readers)
    }
  }
  statement {
    sid       = "Logs"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*${var.name}*"]
    }
  }
}

# Keys that nobody can take out of KMS. Whatever else somebody's role allows: who can have these answer can forge what they are for.
data "aws_iam_policy_document" "own_key" {
  for_each = {
    log  = ["kms:Sign", "kms:CreateGrant"]
    seal = ["kms:GenerateMac", "kms:VerifyMac", "kms:CreateGrant"]
  }
  source_policy_documents = [data.aws_iam_policy_document.account.json]

  statement {
    sid       = "ForTheProductAlone"
    effect    = "Deny"
    actions   = each.value
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = local.product_roles
    }
  }
}
