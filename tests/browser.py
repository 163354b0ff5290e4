"""A real browser for tests: Debian's Chromium, driven by Selenium."""

import json
import os
import shutil
from pathlib import Path

from selenium.webdriver.common.by import By


def start(width=1300, height=1000, arguments=()):
    """A browser without a window, that logs what a page says and asks for."""
    from selenium import webdriver  # takes a while, and the fast subset needs none

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser")
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", f"--window-size={width},{height}", *arguments,
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def actions(driver):
    """What a hand does, at once: Selenium's own takes 250 ms for each way of the pointer."""
    from selenium.webdriver.common.action_chains import ActionChains

    return ActionChains(driver, duration=0)


COLOURS = ["color-contrast", "link-in-text-block"]  # axe-core's rules that look at colours


def violations(driver, rules=None):
    """What axe-core has to say against a page, by all rules or some: places in shadow roots too."""
    if not driver.execute_script("return 'axe' in window"):
        driver.execute_script(Path(os.environ["CHALKGRAD_AXE"]).read_text(encoding="utf-8"))
    found = driver.execute_async_script(
        "const [rules, done] = arguments; axe.run(rules ? {runOnly: rules} : {})"
        ".then((r) => done(r.violations), (e) => done([{id: String(e), nodes: []}]))",
        rules,
    )
    return [f"{v['id']}: {n['target']} {n['html'][:80]}" for v in found for n in v["nodes"] or [{
        "target": "", "html": ""}]]  # fmt: skip


class Page:
    """What a test does with a page that has players."""

    def __init__(self, driver, url, player=0):
        self.driver, self.number = driver, player
        driver.get_log("browser"), driver.get_log("performance")
        driver.get(url)

    def wait(self, condition, seconds=60):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, 0.02).until(lambda _: condition())

    def run(self, script, *arguments):
        """A script, in which `root` is the shadow root of the player."""
        find = (
            f"const root = document.querySelectorAll('[data-chalkgrad]')[{self.number}].shadowRoot;"
        )
        return self.driver.execute_script(find + script, *arguments)

    def find(self, selector):
        hosts = self.driver.find_elements(By.CSS_SELECTOR, "[data-chalkgrad]")
        return hosts[self.number].shadow_root.find_element(By.CSS_SELECTOR, selector)

    def press(self, name):
        self.click(f"[data-do={name}]")

    def keys(self, *keys):
        actions(self.driver).send_keys(*keys).perform()

    def click(self, selector):
        found = self.find(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        actions(self.driver).move_to_element(found).click().perform()

    def text(self, selector):
        return self.run("return root.querySelector(arguments[0]).textContent", selector)

    @property
    def at(self):
        """The number of the frame that is shown."""
        return int(self.text("output").split(" / ")[0])

    @property
    def last(self):
        return int(self.text("output").split(" / ")[1])

    @property
    def picture(self):
        """The picture as it stands, in SVG, with what is lit."""
        return self.run("return root.querySelector('.stage svg').outerHTML")

    @property
    def caption(self):
        return self.run("return root.querySelector('.caption').innerText")

    def complaints(self):
        """What the page logged, and what it asked the network for."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("data:", "file:", "http://127.0.0.1", "http://localhost")):
                    logged.append(f"asked for {url}")
        return logged
