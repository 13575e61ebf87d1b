# Sourced by scripts/package-functions. What a program asks of the C library that it is started with.

# Amazon Linux 2023, which provided.al2023 is, has 2.34.
_dbaccess_lambda_glibc=2.34

# glibc_needed FILE: the highest version of glibc that the program's symbols name. They stand in it as plain text, so that no tool for binaries is needed.
glibc_needed() { { grep -aoE 'GLIBC_[0-9]+\.[0-9]+(\.[0-9]+)?' -- "$1" || true; } | sed 's/GLIBC_//' | sort -uV | tail -n 1; }

# runs_on_lambda FILE: 0 when the program can be started there; else 1, with what to do about it on standard output.
runs_on_lambda() {
  local needed
  needed=$(glibc_needed "$1")
  if [ -z "$needed" ]; then
    echo "$1 names no version of glibc: it is not a program that was linked for Linux with glibc."
    return 1
  fi
  if [ "$(printf '%s\n' "$needed" "$_dbaccess_lambda_glibc" | sort -V | tail -n 1)" != "$_dbaccess_lambda_glibc" ]; then
    echo "The program needs glibc $needed, and Lambda's provided.al2023 has $_dbaccess_lambda_glibc: it would not start there. Build it on a system no newer than Amazon Linux 2023 or Debian 12, in a container for example, or leave function_package out: the functions then run from the image."
    return 1
  fi
}
