"""The words of click itself, in Chinese."""

from __future__ import annotations

CLICK = {
    "Usage:": "用法：",
    "Options": "选项",
    "Commands": "命令",
    "default: {default}": "默认：{default}",
    "required": "必填",
    "env var: {var}": "环境变量：{var}",
    "Error: {message}": "错误：{message}",
    "Aborted!": "已中止。",
    "Try '{command} {option}' for help.": "说明：{command} {option}",
    "Invalid value: {message}": "值不合格：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值不合格：{message}",
    "Missing command.": "缺少命令。",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "No such option {name!r}.": "没有选项 {name}。",
    "No such command {name!r}.": "没有命令 {name}。",
    "Option {name!r} does not take a value.": "选项 {name} 不带值。",
    "Argument {name!r} takes {nargs} values.": "参数 {name} 须有 {nargs} 个值。",
    "Could not open file {filename!r}: {message}": "无法打开文件 {filename}：{message}",
    "unknown error": "未知错误",
    "Choose from:\n\t{choices}": "可选：\n\t{choices}",
    "{value!r} is not a valid {number_type}.": "{value!r} 不是整数。",
    "{value} is not in the range {range}.": "{value} 不在 {range} 之内。",
    "{name} {filename!r} does not exist.": "{filename} 不存在。",
    "{name} {filename!r} is a file.": "{filename} 是文件，须为文件夹。",
    "{name} {filename!r} is a directory.": "{filename} 是文件夹，须为文件。",
    "{name} {filename!r} is not readable.": "{filename} 无法读取。",
    "{name} {filename!r} is not writable.": "{filename} 无法写入。",
    "Do you want to continue?": "继续吗？",
    "Error: invalid input": "错误：请输入 y 或 n",
}
BY_SINGULAR = {
    "Got unexpected extra argument ({args})": "多余的参数：{args}",
    "Option {name!r} requires an argument.": "选项 {name} 须有值。",
    "{value!r} is not {choice}.": "{value!r} 不在可选之列：{choices}。",
    "Did you mean {possibility}?": "是否要用 {possibilities}？",
    "Takes {nargs} values but 1 was given.": "须有 {nargs} 个值，给了 {len} 个。",
    "{len_type} values are required, but {len_value} was given.": "须有 {len_type} 个值，给了 {len_value}。",
}
"""Sentences that differ by number in English, by the one for one."""
