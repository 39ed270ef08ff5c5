"""Public parameters that name machine images, and the images they name.

https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
https://docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-via-aws-cli
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html
"""

IMAGES = {
    "/aws/service/debian/release/12/latest/amd64": "ami-0deb1a12a5d640001",
    "/aws/service/debian/release/12/latest/arm64": "ami-0deb1a12a50640002",
    "/aws/service/debian/release/13/latest/amd64": "ami-0deb1a13a5d640001",
    "/aws/service/debian/release/13/latest/arm64": "ami-0deb1a13a50640002",
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64": "ami-0a12023a5d6400001",
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64": "ami-0a12023a506400002",
}


def by_parameter(name: str) -> str | None:
    return IMAGES.get(name)
