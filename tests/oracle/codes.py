"""Valid unified social credit codes (GB 32100-2015) for made-up enterprises."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def check_character(first_17: str) -> str:
    """The 18th character that makes the 17 given ones a valid code."""
    total = sum(
        ALPHABET.index(character) * pow(3, position, 31) for position, character in enumerate(first_17)
    )
    return ALPHABET[-total % 31]


def credit_code(number: int) -> str:
    """The code of the made-up Cixi enterprise with this number (1 to 9,999,999)."""
    first_17 = f"91330282MA{number:07d}"
    return first_17 + check_character(first_17)


def is_valid(code: str) -> bool:
    """Whether a text is 18 characters of the alphabet with the right check character."""
    return (
        len(code) == 18
        and all(character in ALPHABET for character in code)
        and check_character(code[:17]) == code[17]
    )
