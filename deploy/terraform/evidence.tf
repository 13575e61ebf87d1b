# The evidence log: the key that it is signed with, and where outsiders read it.

# Nobody can take it out of KMS, so nobody can sign another past. Such a key is not rotated; another one is brought in by `dbaccess audit key --change`.
resource "aws_kms_key" "log" {
  description              = "DbAccess ${var.installation}: signs the evidence log"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  deletion_window_in_days  = 30
  policy                   = data.aws_iam_policy_document.own_key["log"].json
  tags                     = local.tags
}

resource "aws_kms_alias" "log" {
  name          = "alias/${var.name}-log"
  target_key_id = aws_kms_key.log.key_id
}

# Complete days of the log. What is in it is written once and cannot be changed or deleted for export_lock_days.
resource "aws_s3_bucket" "evidence" {
  bucket              = "${var.name}-evidence-${local.account}-${local.region}"
  object_lock_enabled = true
  force_destroy       = var.force_destroy
  tags                = local.tags
}

# Object lock needs it, and cannot be had without.
resource "aws_s3_bucket_versioning" "evidence" {
  bucket = aws_s3_bucket.evidence.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "evidence" {
  bucket     = aws_s3_bucket.evidence.id
  depends_on = [aws_s3_bucket_versioning.evidence]
  rule {
    default_retention {
      mode = var.export_lock_mode
      days = var.export_lock_days
    }
  }
}

# S3's own key, not the module's: an auditor needs no right to a key, and no key that is deleted takes the evidence with it.
resource "aws_s3_bucket_server_side_encryption_configuration" "evidence" {
  bucket = aws_s3_bucket.evidence.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "evidence" {
  bucket                  = aws_s3_bucket.evidence.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "evidence" {
  bucket = aws_s3_bucket.evidence.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "evidence" {
  bucket     = aws_s3_bucket.evidence.id
  depends_on = [aws_s3_bucket_versioning.evidence]
  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {}
    # Of a large day whose upload was cut off.
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "evidence" {
  bucket     = aws_s3_bucket.evidence.id
  policy     = data.aws_iam_policy_document.evidence.json
  depends_on = [aws_s3_bucket_public_access_block.evidence]
}

data "aws_iam_policy_document" "evidence" {
  source_policy_documents = [data.aws_iam_policy_document.only_tls["evidence"].json]
  statement {
    # What is in an export is what the product wrote; anybody else's file would be there for as long.
    sid       = "ByTheProductAlone"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.evidence.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = local.product_roles
    }
  }
}
