"""One name written by several rules, and which screener finds it. The table in docs/screening.md is of these."""

from __future__ import annotations

# As listed, as a payment has it, whether the default finds it, whether the extra does.
PAIRS = (
    ("Yusuf Karimov", "Yusuf Karimoff", True, True),
    ("Usama bin Ladin", "Osama Bin Laden", True, True),
    ("Saddam Hussein al-Tikriti", "Saddam Husayn al Tikriti", True, True),
    ("Mohamed Hassan", "Muhammad Hasan", False, True),
    ("Yousef Abdel Rahman", "Yusuf Abdulrahman", False, True),
    ("Muammar al Gaddafi", "Mu'ammar al-Qadhdhafi", True, True),
    ("Aleksey Chernyshov", "Alexei Tchernychov", False, True),
    ("Gennady Shcherbakov", "Gennadi Schtscherbakow", False, True),
    ("Vladimir Tchaikovsky", "Wladimir Tschaikowski", False, True),
    ("Dmitry Zhukov", "Dmitrij Joukov", False, True),
    ("Sergei Ivanov", "Иванов Сергей", False, True),
    ("Olena Kovalenko", "Елена Коваленко", False, True),
    ("Severstal", "Северсталь", False, True),
    ("Muammar al Gaddafi", "Moammar El Kadhafi", False, False),
    ("Alexander Petrov", "Oleksandr Petrov", False, False),
    ("Li Xiaolong", "李小龙", False, False),
)
DIFFERENT = (
    ("Sergei Ivanov", "John Smith"),
    ("Yusuf Karimov", "Maria Fernandes"),
    ("Gennady Shcherbakov", "Northwind Traders Inc"),
)
