"""What moto lacks of AWS for deployments of Sluice, written from AWS's documentation.

Each behaviour names the page that says so. It is one reading of these pages, not AWS.
"""
