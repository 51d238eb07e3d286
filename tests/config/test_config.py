"""The settings file: allowed values, and the error lines for all others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_lpr.config import Settings, load_settings
from edge_lpr.config.fields import setting_paths
from edge_lpr.errors import ConfigError


def load(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ)


def errors(tmp_path: Path, text: str, **environ: str) -> list[str]:
    """Returns the error lines of a file, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **environ)
    return [line.replace(f"{tmp_path}/", "") for line in caught.value.faults or (str(caught.value),)]


def test_an_empty_file_is_the_deerrors(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Settings()
    assert load(tmp_path, "mqtt:\ncamera:\n") == Settings()


def test_the_example_is_the_defaults(repo_root: Path) -> None:
    assert load_settings(repo_root / "config.example.yaml", {}) == Settings()


def test_the_example_shows_and_explains_every_setting(repo_root: Path) -> None:
    text = (repo_root / "config.example.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    for path in setting_paths(Settings):
        if path[:2] == ("mqtt", "tls") and len(path) == 3:
            assert re.search(rf"^ +# {path[-1]}: \w+ +# \w", text, re.MULTILINE), path
            continue
        node: Any = tree
        for name in path:
            assert name in node, path
            node = node[name]
        if not isinstance(node, dict) or not node:
            assert re.search(rf"^ +{path[-1]}: .*# \S", text, re.MULTILINE), f"{path} is not explained"


def test_all_errors_are_listed_at_once(tmp_path: Path) -> None:
    text = """\
camera:
  typ: usb
  width: wide
  fps: 0
mqtt:
  port: 70000
  prot: 5
reader: {min_confidence: 101}
log: {level: loud}
"""
    assert sorted(errors(tmp_path, text)) == [
        "config.yaml:2: camera.typ: no such setting; did you mean camera.type?",
        "config.yaml:3: camera.width: given 'wide'; allowed: a whole number from 160 to 8192, a multiple of 2",
        "config.yaml:4: camera.fps: given 0; allowed: a number above 0 up to 240 or null",
        "config.yaml:6: mqtt.port: given 70000; allowed: a whole number from 1 to 65535",
        "config.yaml:7: mqtt.prot: no such setting; did you mean mqtt.port?",
        "config.yaml:8: reader.min_confidence: given 101; allowed: a whole number from 0 to 100",
        "config.yaml:9: log.level: given 'loud'; allowed: one of debug, info, warning, error",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("device: {id: a/b}", "device.id: given 'a/b'; allowed: 1 to 64 of the characters A-Z"),
        ("device: {id: 7}", "device.id: given 7; allowed: text"),
        ("camera: {type: stream}", "camera.source: given nothing; allowed: the stream's address"),
        ("camera: {type: video}", "camera.source: given nothing; allowed: the video file's path"),
        ("camera: {type: pi, source: /dev/video0}", "camera.source: given '/dev/video0'; allowed: the camera's number"),
        ("camera: {reopen_min_s: 60}", "camera.reopen_max_s: given nothing; allowed: a number of seconds not below"),
        ("camera: {pi: {rotation: 90}}", "camera.pi.rotation: given 90; allowed: one of 0, 180"),
        ("camera: 5", "camera: given 5; allowed: a section with type, source"),
        ("passage: {lane: [[0, 0], [1, 1]]}", "passage.lane: given [[0, 0], [1, 1]]; allowed: three points"),
        ("passage: {lane: [[0, 0], [1, 0], [1, 2]]}", "allowed: a list of points [x, y], each x and y from 0 to 1"),
        ("passage: {ignore: [[[0, 0], [1, 1]]]}", "passage.ignore: given [[[0, 0], [1, 1]]]; allowed: a list of areas"),
        ("passage: {line: [[0, 1]]}", "passage.line: given [[0, 1]]; allowed: two different points"),
        (
            "passage: {line: [[0, 1], [1, 1]], line_in: left}",
            "passage.line_in: given 'left'; allowed: a direction across",
        ),
        ("passage: {pattern: '['}", "passage.pattern: given '['; allowed: a regular expression"),
        ("passage: {kinds: [car]}", "passage.kinds: given ['car']; allowed: a list of 'small car'"),
        ("lists: {known: [京I12345]}", "lists.known: given ['京I12345']; allowed: plate numbers, one per line"),
        ("lists: {known: 5}", "lists.known: given 5; allowed: a list of text"),
        ("passage: {min_frames: true}", "passage.min_frames: given true; allowed: a whole number from 1 to 1000"),
        ("mqtt: {host: mqtt://broker}", "mqtt.host: given 'mqtt://broker'; allowed: a host name or an address alone"),
        ("mqtt: {topic_prefix: a/#}", "mqtt.topic_prefix: given 'a/#'; allowed: levels of A-Z"),
        ("mqtt: {password_file: secret}", "mqtt.password_file: given 'secret'; allowed: a path only together with"),
        ("mqtt: {protocol: 4}", "mqtt.protocol: given 4; allowed: one of 5, 3.1.1"),
        ("mqtt: {protocol: 3.1.1, message_expiry_s: 5}", "mqtt.message_expiry_s: given 5; allowed: null, or"),
        ("mqtt: {tls: {cert_file: a}}", "mqtt.tls.key_file: given nothing; allowed: both cert_file and key_file"),
        ("api: {enabled: true, host: 0.0.0.0}", "api.keys_file: given nothing; allowed: a YAML file of SecretId"),
        ("api: {tls_cert_file: a}", "api.tls_key_file: given nothing; allowed: both tls_cert_file and tls_key_file"),
        ("api: {allow_hosts: ['http://a']}", "api.allow_hosts[0]: given ['http://a']; allowed: a host name alone"),
        ("api: {allow_networks: [10.0.0.1/8]}", "api.allow_networks[0]: given ['10.0.0.1/8']; allowed: a network"),
        ("api: {allow_hosts: a}", "api.allow_hosts: given 'a'; allowed: a list of text"),
        ("password_file: x", "password_file: no such setting; did you mean mqtt.password_file?"),
        ("12: x", "12: no such setting; the names here are device, camera"),
        ("[camera]", "a settings file holds sections such as 'camera:'; this one is a list"),
        ("a: 1\nb: [", "config.yaml:2:5: not valid YAML: "),
        ("a: &x [*x]", "config.yaml:1: an alias that contains itself"),
        ("log: {level: info}\nlog: {}", "config.yaml:2: log: given twice, first on line 1"),
        ("log: {level: info, level: debug}", "log.level: given twice, first on line 1"),
        ("a: 2024-99-99", "config.yaml: not valid YAML: month must be in 1..12"),
        ("[" * 5000, "config.yaml: not valid YAML: nested too deep"),
        ("a: \x07", "config.yaml: not valid YAML: "),
    ],
)
def test_an_error_names_the_setting_the_given_and_the_allowed_value(tmp_path: Path, text: str, error: str) -> None:
    (line,) = errors(tmp_path, text)
    assert error in line
    assert "\n" not in line


def test_secrets_are_not_echoed(tmp_path: Path) -> None:
    lines = errors(tmp_path, "mqtt: {password: hunter2}\ncamera: {type: pi, source: 'rtsp://u:hunter2@h/x'}")
    assert len(lines) == 2
    assert "hunter2" not in " ".join(lines)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such settings file; copy config\.example\.yaml"):
        load_settings(tmp_path / "none.yaml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, {})
    binary = tmp_path / "photo.jpg"
    binary.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(binary, {})
    binary.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than"):
        load_settings(binary, {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "mqtt: {host: a, port: 1}",
        EDGE_LPR__MQTT__HOST="12",
        EDGE_LPR__MQTT__PORT="1884",
        EDGE_LPR__MQTT__PROTOCOL="5",
        EDGE_LPR__MQTT__TLS__INSECURE="true",
        EDGE_LPR__CAMERA__SOURCE="1",
        EDGE_LPR__CAMERA__FPS="",
        EDGE_LPR__PASSAGE__LANE="[[0, 0], [1, 0], [1, 1]]",
        EDGE_LPR__CAMERA__PI__CONTROLS="{ExposureTime: 2000, ColourGains: [1.5, 2]}",
        UNRELATED="x",
    )
    assert (settings.mqtt.host, settings.mqtt.port) == ("12", 1884)
    assert settings.mqtt.tls is not None and settings.mqtt.tls.insecure
    assert settings.camera.source == "1"
    assert settings.camera.fps is None
    assert settings.passage.lane == ((0, 0), (1, 0), (1, 1))
    assert settings.camera.pi.controls == {"ExposureTime": 2000, "ColourGains": (1.5, 2)}


def test_an_error_of_the_environment_names_the_variable(tmp_path: Path) -> None:
    lines = errors(tmp_path, "mqtt: {port: 1}", EDGE_LPR__MQTT__PORT="many", EDGE_LPR__MQTT__HOTS="a")
    assert lines == [
        "EDGE_LPR__MQTT__HOTS: no such setting; did you mean EDGE_LPR__MQTT__HOST?",
        "EDGE_LPR__MQTT__PORT: given 'many'; allowed: a whole number from 1 to 65535",
    ]
    assert errors(tmp_path, "", EDGE_LPR__MQTT__PORT="[") == ["EDGE_LPR__MQTT__PORT: not valid as a YAML value"]


def test_relative_paths_start_from_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    text = """\
device: {state_dir: state}
camera: {type: video, source: clip.mp4}
reader: {models_dir: ~/models}
mqtt: {username: u, password_file: secret, tls: {ca_file: /etc/ca.pem}}
"""
    settings = load(tmp_path, text)
    assert settings.device.state_dir == tmp_path / "state"
    assert settings.camera.source == str(tmp_path / "clip.mp4")
    assert settings.reader.models_dir == Path("/home/someone/models")
    assert settings.mqtt.password_file == tmp_path / "secret"
    assert settings.mqtt.tls is not None and settings.mqtt.tls.ca_file == Path("/etc/ca.pem")


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.mqtt.port = 1
