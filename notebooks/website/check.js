// Says in a line what this browser can't do. It is written in old JavaScript, so that old ones read it.
(function () {
  function say(text) {
    function show() {
      var line = document.createElement("p");
      line.setAttribute("role", "alert");
      line.style.cssText = "position:fixed;z-index:99999;left:0;right:0;bottom:0;margin:0;" +
        "padding:12px 16px;font:16px/1.4 sans-serif;color:#000;background:#ffe08a";
      line.textContent = text;
      document.body.appendChild(line);
    }
    if (document.body) show();
    else document.addEventListener("DOMContentLoaded", show);
  }
  var wasm = window.WebAssembly;
  if (location.protocol === "file:") {
    say("Opened from a file, the notebooks can't run. Serve the folder: python -m http.server");
  } else if (!wasm || !wasm.Tag || !window.Worker || !window.BigInt || !window.structuredClone) {
    say("This browser is too old to run Python. Use Firefox 100, Chrome 98, Safari 15.4, or later.");
  }
  var lost = "This browser has no room to store your work, or may not (a private window?): " +
    "nothing that you write is kept. Download your notebook before you leave: File > Download.";
  try {
    var asked = window.indexedDB.open("chalkgrad-check");
    asked.onerror = function () { say(lost); };
    asked.onsuccess = function () { asked.result.close(); };
    if (navigator.storage && navigator.storage.estimate) {
      navigator.storage.estimate().then(function (room) {
        if (room.quota - room.usage < 5e6) say(lost);
      });
    }
  } catch (error) {
    say(lost);
  }
})();
